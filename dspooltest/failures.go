package dspooltest

import (
	"math"
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/dspool/dspool/dspooltest/internal/answer"
)

// retryAfterDefault goes with a rate limit that names no time.
const retryAfterDefault = time.Second

// writeFailure answers with a failure as OpenAI words it and returns the status.
func writeFailure(w http.ResponseWriter, f Failure, after time.Duration) int {
	status, kind, code, text := wording(f)
	if status == http.StatusTooManyRequests && after <= 0 && f != FailQuota {
		after = retryAfterDefault
	}
	if after > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(int(math.Ceil(after.Seconds()))))
		w.Header().Set("Retry-After-Ms", strconv.FormatInt(after.Milliseconds(), 10))
	}
	writeError(w, status, kind, code, text)
	return status
}

func wording(f Failure) (status int, kind, code, text string) {
	switch f {
	case FailAuth:
		return http.StatusUnauthorized, "invalid_request_error", "invalid_api_key", "Incorrect API key provided."
	case FailNotFound:
		return http.StatusNotFound, "invalid_request_error", "model_not_found", "The model does not exist or you do not have access to it."
	case FailTimeout:
		return http.StatusRequestTimeout, "timeout", "timeout", "The request took too long."
	case FailRateLimit:
		return http.StatusTooManyRequests, "requests", "rate_limit_exceeded", "Rate limit reached for requests."
	case FailQuota:
		return http.StatusTooManyRequests, "insufficient_quota", "insufficient_quota", "You exceeded your current quota."
	case FailContextLength:
		return http.StatusBadRequest, "invalid_request_error", "context_length_exceeded", "This model's maximum context length is 8192 tokens."
	case FailBadRequest:
		return http.StatusBadRequest, "invalid_request_error", "invalid_value", "The request is invalid."
	case FailOverloaded:
		return http.StatusServiceUnavailable, "server_error", "overloaded", "The engine is currently overloaded."
	case FailServer, FailReset, FailHang, failureNone:
	}
	status, _ = strconv.Atoi(string(f))
	if status < 400 {
		status = http.StatusInternalServerError
	}
	return status, "server_error", "", "The server had an error while processing your request."
}

func writeError(w http.ResponseWriter, status int, kind, code, text string) {
	b := []byte(`{"error":{"message":`)
	b = answer.AppendString(b, text)
	b = answer.AppendString(append(b, `,"type":`...), kind)
	b = append(b, `,"param":null,"code":`...)
	if code == "" {
		b = append(b, "null"...)
	} else {
		b = answer.AppendString(b, code)
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(append(b, "}}"...))
}

// cut ends the connection after what has been written, without an end of the
// answer. A writer that has no connection keeps a short answer.
func cut(w http.ResponseWriter) {
	control := http.NewResponseController(w)
	_ = control.Flush()
	if conn, _, err := control.Hijack(); err == nil {
		_ = conn.Close()
	}
}

// limiter counts the requests of each key in windows of fixed length.
type limiter struct {
	limit RateLimit

	mu      sync.Mutex
	windows map[string]*window
}

type window struct {
	ends  time.Time
	taken int
}

// take reports whether one more request is allowed, and if not, how long the
// window still lasts.
func (l *limiter) take(key string, now time.Time) (time.Duration, bool) {
	if l.limit.Requests <= 0 {
		return 0, true
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	win := l.windows[key]
	if win == nil || !now.Before(win.ends) {
		win = &window{ends: now.Add(max(l.limit.Window, time.Millisecond))}
		l.windows[key] = win
	}
	if win.taken >= l.limit.Requests {
		return win.ends.Sub(now), false
	}
	win.taken++
	return 0, true
}
