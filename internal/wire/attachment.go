package wire

import "github.com/dspool/dspool/fault"

// CutState takes the state of an object off the end of a body, without copying.
// It costs nothing if there is none.
func CutState(body []byte, size int) (rest, state []byte, err error) {
	if size == 0 {
		return body, nil, nil
	}
	at := len(body) - size
	if at < 0 {
		return nil, nil, fault.Newf(fault.Protocol, "the state of the object takes more bytes than the body has (%d)", len(body))
	}
	return body[:at:at], body[at:], nil
}

// Split divides a body into its JSON value and the attachments behind it,
// without copying: the parts share the body's memory. An attachment of no bytes
// is an empty, non-nil slice. It costs nothing if list is empty.
func Split(body []byte, list []Attachment) (value []byte, parts map[string][]byte, err error) {
	if len(list) == 0 {
		return body, nil, nil
	}
	at := len(body)
	for _, a := range list {
		if a.Size < 0 || a.Size > at {
			return nil, nil, fault.Newf(fault.Protocol, "attachments take more bytes than the body has (%d)", len(body))
		}
		at -= a.Size
	}
	parts = make(map[string][]byte, len(list))
	value = body[:at:at]
	for _, a := range list {
		if _, twice := parts[a.Name]; twice {
			return nil, nil, fault.Newf(fault.Protocol, "attachment %q is there twice", a.Name)
		}
		part := body[at : at+a.Size : at+a.Size]
		if part == nil {
			part = []byte{}
		}
		parts[a.Name] = part
		at += a.Size
	}
	return value, parts, nil
}
