package lm

import (
	"bytes"
	"encoding/json"
	"io"
)

// A Usage counts the tokens of one answer, as its provider did.
type Usage struct {
	// Input and Output are all tokens that went in and came out; Cached of
	// those that went in were read from the provider's own cache, Reasoning of
	// those that came out were not shown.
	Input, Output, Cached, Reasoning int64
}

// Zero reports whether nothing was counted.
func (u Usage) Zero() bool { return u == Usage{} }

// Add returns the sum of two counts.
func (u Usage) Add(o Usage) Usage {
	return Usage{u.Input + o.Input, u.Output + o.Output, u.Cached + o.Cached, u.Reasoning + o.Reasoning}
}

// A document is where providers put their counts: OpenAI's two APIs and those
// that follow them, Anthropic's messages, Gemini's; whole, and as events of a
// stream.
type document struct {
	Usage    *counts `json:"usage"`
	Metadata *gemini `json:"usageMetadata"`
	Message  *struct {
		Usage *counts `json:"usage"`
	} `json:"message"`
	Response *struct {
		Usage *counts `json:"usage"`
	} `json:"response"`
}

// counts are OpenAI's and Anthropic's names.
type counts struct {
	Prompt        int64 `json:"prompt_tokens"`
	Completion    int64 `json:"completion_tokens"`
	Input         int64 `json:"input_tokens"`
	Output        int64 `json:"output_tokens"`
	CacheRead     int64 `json:"cache_read_input_tokens"`
	CacheCreation int64 `json:"cache_creation_input_tokens"`
	PromptDetails struct {
		Cached int64 `json:"cached_tokens"`
	} `json:"prompt_tokens_details"`
	InputDetails struct {
		Cached int64 `json:"cached_tokens"`
	} `json:"input_tokens_details"`
	CompletionDetails struct {
		Reasoning int64 `json:"reasoning_tokens"`
	} `json:"completion_tokens_details"`
	OutputDetails struct {
		Reasoning int64 `json:"reasoning_tokens"`
	} `json:"output_tokens_details"`
}

// gemini are Gemini's names.
type gemini struct {
	Prompt     int64 `json:"promptTokenCount"`
	Candidates int64 `json:"candidatesTokenCount"`
	Thoughts   int64 `json:"thoughtsTokenCount"`
	Cached     int64 `json:"cachedContentTokenCount"`
}

func (c *counts) usage() Usage {
	if c == nil {
		return Usage{}
	}
	return Usage{
		// Anthropic counts what its cache holds beside the rest.
		Input:     c.Prompt + c.Input + c.CacheRead + c.CacheCreation,
		Output:    c.Completion + c.Output,
		Cached:    c.PromptDetails.Cached + c.InputDetails.Cached + c.CacheRead,
		Reasoning: c.CompletionDetails.Reasoning + c.OutputDetails.Reasoning,
	}
}

func (g *gemini) usage() Usage {
	if g == nil {
		return Usage{}
	}
	return Usage{Input: g.Prompt, Output: g.Candidates + g.Thoughts, Cached: g.Cached, Reasoning: g.Thoughts}
}

func (d document) usage() Usage {
	u := d.Usage.usage().most(d.Metadata.usage())
	if d.Message != nil {
		u = u.most(d.Message.Usage.usage())
	}
	if d.Response != nil {
		u = u.most(d.Response.Usage.usage())
	}
	return u
}

// most takes the larger of each number: the events of a stream repeat what they
// have counted so far.
func (u Usage) most(o Usage) Usage {
	return Usage{max(u.Input, o.Input), max(u.Output, o.Output), max(u.Cached, o.Cached), max(u.Reasoning, o.Reasoning)}
}

// usageOf reads the counts in a whole answer, none if there are none.
func usageOf(body []byte) Usage {
	var d document
	if json.Unmarshal(body, &d) != nil {
		return Usage{}
	}
	return d.usage()
}

// eventLimit is the longest line of a stream that is looked at.
const eventLimit = 1 << 20

// A counting body reads the counts on the way and tells them once, at the end
// or when it is closed.
type counting struct {
	io.ReadCloser
	streams bool
	tell    func(Usage)

	rest  []byte // a whole answer, or the line of a stream that has begun
	usage Usage
	over  bool
	told  bool
}

// Read implements [io.Reader].
func (c *counting) Read(p []byte) (int, error) {
	n, err := c.ReadCloser.Read(p)
	c.take(p[:n])
	if err != nil {
		c.finish()
	}
	return n, err
}

// Close implements [io.Closer].
func (c *counting) Close() error {
	c.finish()
	return c.ReadCloser.Close()
}

func (c *counting) take(data []byte) {
	if c.over {
		return
	}
	c.rest = append(c.rest, data...)
	if c.streams {
		c.lines()
	}
	if len(c.rest) > eventLimit && c.streams || len(c.rest) > BodyLimitDefault {
		c.over, c.rest = true, nil // nothing sound is that long
	}
}

// lines looks at the lines of a stream that are whole.
func (c *counting) lines() {
	for {
		line, rest, whole := bytes.Cut(c.rest, []byte{'\n'})
		if !whole {
			return
		}
		c.rest = rest
		if data, ok := bytes.CutPrefix(line, []byte("data:")); ok && bytes.Contains(data, []byte(`sage`)) {
			c.usage = c.usage.most(usageOf(bytes.TrimSpace(data)))
		}
	}
}

func (c *counting) finish() {
	if c.told {
		return
	}
	c.told = true
	if !c.streams && !c.over {
		c.usage = usageOf(c.rest)
	}
	c.tell(c.usage)
}
