package validate

import (
	"fmt"
	"strings"

	"github.com/dspool/dspool/fault"
)

// shownMax bounds how many violations stand in an error's message.
const shownMax = 8

// Fault makes an error of the report: nil when there is nothing wrong. Its
// details hold the violations by path. root names the value.
func (r Report) Fault(code fault.Code, root string) error {
	if len(r.Violations) == 0 {
		return nil
	}
	details := make(map[string]string, len(r.Violations))
	shown := make([]string, 0, shownMax)
	for _, v := range r.Violations {
		if len(shown) < shownMax {
			shown = append(shown, v.String())
		}
		details[v.Path] = v.Message
	}
	total := len(r.Violations) + r.More
	message := strings.Join(shown, "; ")
	if total > len(shown) {
		message += fmt.Sprintf("; and %d more", total-len(shown))
	}
	if total > 1 {
		message = fmt.Sprintf("%d problems with the %s: %s", total, root, message)
	}
	return &fault.Error{Code: code, Message: message, Details: details}
}
