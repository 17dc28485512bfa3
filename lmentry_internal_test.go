package dspool

import (
	"fmt"
	"testing"

	"github.com/dspool/dspool/internal/catalog"
	"github.com/dspool/dspool/lm"
)

func TestReplacedLanguageModelsStayForAWhileAndThenGo(t *testing.T) {
	t.Parallel()
	defs := catalog.New(1)
	egress, err := lm.New(lm.Config{})
	if err != nil {
		t.Fatal(err)
	}
	table, err := newLMTable(Config{LM: LM{Model: "openai/m", APIKey: "key-number-zero"}}, defs, egress)
	if err != nil {
		t.Fatal(err)
	}
	first, err := table.choose(&Request{Program: &Spec{}})
	if err != nil {
		t.Fatal(err)
	}
	for i := range 2 * replacedMax {
		if err := table.set("", "LM", LM{Model: "openai/m", APIKey: Secret(fmt.Sprintf("key-number-%03d", i))}); err != nil {
			t.Fatal(err)
		}
		if _, there := defs.Resolve(lmKind, first); there != (i < replacedMax) {
			t.Fatalf("after %d replacements the first one is there: %v", i+1, there)
		}
	}
	if n := defs.Len(); n != replacedMax+1 {
		t.Errorf("%d definitions are kept", n)
	}
	if got := table.redact("a key-number-127 z"); got != "a "+redacted+" z" {
		t.Errorf("shown as %q", got)
	}
}
