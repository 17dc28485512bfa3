package pyenv

import (
	"strconv"
	"strings"
)

// counter reads what uv or pip say while they install.
type counter struct {
	tell  *report
	total int
	done  int
}

// line takes one line of output. The wording of both tools has been the same for
// years; where it changes, only the count is lost.
func (c *counter) line(text string) {
	words := strings.Fields(text)
	if len(words) < 2 {
		return
	}
	switch words[0] {
	case "Resolved": // uv: Resolved 68 packages in 5ms
		if n, err := strconv.Atoi(words[1]); err == nil {
			c.total = n
		}
	case "Prepared", "Installed": // uv: Prepared 68 packages in 2s
		if n, err := strconv.Atoi(words[1]); err == nil {
			c.done = n
		}
	case "Collecting": // pip: Collecting dspy==3.4.1
		c.done = min(c.done+1, c.total)
	}
	c.tell.update(func(p *Progress) {
		p.Detail, p.Done, p.Total = detail(words), c.done, c.total
	})
}

// detail is a line of output, short enough for a progress line.
func detail(words []string) string {
	text := strings.Join(words, " ")
	if len(text) > 60 {
		return strings.ToValidUTF8(text[:57], "") + "..."
	}
	return text
}
