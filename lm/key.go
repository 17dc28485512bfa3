package lm

import (
	"context"
	"net/http"
	"net/url"
	"strings"

	"github.com/dspool/dspool/fault"
)

// A KeyFunc returns a model's key. It is called for each request, from many
// goroutines at once, and should answer from memory.
type KeyFunc func(ctx context.Context) (string, error)

// seal puts the key into a request wherever its mark stands: in values of
// header fields and of the URL's query. A model without a key has the fields
// left out that would carry it.
func seal(u *url.URL, fields []Field, key string) http.Header {
	h := make(http.Header, len(fields))
	for _, f := range fields {
		if skipped(f[0]) {
			continue
		}
		value := f[1]
		if strings.Contains(value, KeyMark) {
			if key == "" {
				continue
			}
			value = strings.ReplaceAll(value, KeyMark, key)
		}
		h.Add(f[0], value)
	}
	if strings.Contains(u.RawQuery, KeyMark) {
		u.RawQuery = strings.ReplaceAll(u.RawQuery, KeyMark, url.QueryEscape(key))
	}
	return h
}

// skipped are header fields that belong to the connection: net/http sets its
// own, and reads compressed bodies by itself only if nobody asks for them.
func skipped(name string) bool {
	switch strings.ToLower(name) {
	case "host", "connection", "content-length", "transfer-encoding", "accept-encoding", "proxy-authorization", "proxy-connection", "te", "trailer", "upgrade", "keep-alive":
		return true
	}
	return false
}

// key returns the key for one request.
func (s *sender) key(ctx context.Context) (string, error) {
	if s.keys == nil {
		return "", nil
	}
	key, err := s.keys(ctx)
	if err != nil {
		return "", fault.Wrap(fault.LMNotConfigured, err, "the key of the language model "+s.model+" cannot be had")
	}
	return key, nil
}
