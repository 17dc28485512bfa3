package lm

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"
	"sync"
	"time"

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

// concealed stands in a refusal where the provider repeats the key.
const concealed = "[redacted]"

// conceal reads a refusal and takes the key out of it: some providers repeat
// what they were sent, and workers are to know no key.
func conceal(resp *Response, key string) error {
	raw, err := io.ReadAll(io.LimitReader(resp.Body, errorBodyLimit))
	_ = resp.Body.Close()
	if err != nil {
		return err
	}
	if key != "" {
		raw = bytes.ReplaceAll(raw, []byte(key), []byte(concealed))
		for i, f := range resp.Header {
			resp.Header[i][1] = strings.ReplaceAll(f[1], key, concealed)
		}
	}
	resp.Body = io.NopCloser(bytes.NewReader(raw))
	return nil
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

// KeyFile returns a KeyFunc that reads a key from a file: the whole of it,
// without white space around it. The file is read again when it has changed,
// so that a key can be exchanged while requests are made.
func KeyFile(path string) KeyFunc {
	f := &keyFile{path: path}
	return func(context.Context) (string, error) { return f.read() }
}

// keyCheck is how long a key is used before its file is looked at again.
const keyCheck = time.Second

type keyFile struct {
	path string

	mu      sync.Mutex
	key     string
	changed time.Time
	checked time.Time
}

func (f *keyFile) read() (string, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	now := time.Now()
	if f.key != "" && now.Sub(f.checked) < keyCheck {
		return f.key, nil
	}
	info, err := os.Stat(f.path)
	if err != nil {
		return "", err
	}
	f.checked = now
	if f.key != "" && info.ModTime().Equal(f.changed) {
		return f.key, nil
	}
	raw, err := os.ReadFile(f.path)
	if err != nil {
		return "", err
	}
	key := strings.TrimSpace(string(raw))
	if key == "" {
		return "", errors.New("the file of the key is empty")
	}
	f.key, f.changed = key, info.ModTime()
	return key, nil
}
