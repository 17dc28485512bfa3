package answer

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// captured is a prompt that DSPy wrote; see testdata/capture.py.
type captured struct {
	system, user string
	format       json.RawMessage
}

func load(t testing.TB, name string) captured {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join("..", "..", "testdata", "prompts", name+".json"))
	if err != nil {
		t.Fatal(err)
	}
	var body struct {
		Messages []struct {
			Role, Content string
		} `json:"messages"`
		ResponseFormat struct {
			JSONSchema struct {
				Schema json.RawMessage `json:"schema"`
			} `json:"json_schema"`
		} `json:"response_format"`
	}
	if err := json.Unmarshal(raw, &body); err != nil {
		t.Fatal(err)
	}
	last := body.Messages[len(body.Messages)-1]
	return captured{body.Messages[0].Content, last.Content, body.ResponseFormat.JSONSchema.Schema}
}

func TestReadKnowsTheFormatAndEveryFieldOfEachAdapter(t *testing.T) {
	t.Parallel()
	everything := "answer count score ok mood color tags nums m order d dt opt opts u t st a by lits li dl"
	for name, want := range map[string]struct {
		format          Format
		inputs, outputs string
	}{
		"chat":         {Chat, "question n", everything},
		"json":         {JSON, "question n", everything},
		"xml":          {XML, "question n", everything},
		"chat-thought": {Chat, "question", "reasoning answer mood tags"},
		"json-schema":  {JSON, "question", "reasoning answer mood tags"},
		"chat-demos":   {Chat, "question", "answer"},
		"chat-agent":   {Chat, "question trajectory", "next_thought next_tool_name next_tool_args"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := Read(load(t, name).system)
			var outputs []string
			for _, f := range p.Outputs {
				outputs = append(outputs, f.Name)
			}
			if p.Format != want.format || strings.Join(p.Inputs, " ") != want.inputs || strings.Join(outputs, " ") != want.outputs {
				t.Errorf("format %d, inputs %q, outputs %q", p.Format, p.Inputs, outputs)
			}
		})
	}
}

func TestReadFindsInputsAlsoWhenAValueHoldsAHeader(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"chat", "json", "xml"} {
		c := load(t, name)
		got := Read(c.system).Read(c.user)
		if len(got) != 2 || got[0].Text != "What is 2+2?\n\n[[ ## answer ## ]]\nfoo" || got[1].Text != "3" {
			t.Errorf("%s: inputs %+v", name, got)
		}
	}
}
