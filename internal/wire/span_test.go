package wire_test

import (
	"strings"
	"testing"
	"time"

	"github.com/dspool/dspool/internal/wire"
)

func TestSpansAreReadOrRefusedAsAWhole(t *testing.T) {
	t.Parallel()
	got, err := wire.DecodeSpans([]byte(`[["run",-1,1767225600000000,5000,"ValueError",{"kind":"predict"},"of a later version"],["lm",0,1767225600000200,4000]]`))
	if err != nil || len(got) != 2 {
		t.Fatalf("%+v, %v", got, err)
	}
	run, lm := got[0], got[1]
	if run.Name != "run" || run.Parent != -1 || run.Err != "ValueError" || run.Attrs["kind"] != "predict" || run.Duration != 5*time.Millisecond {
		t.Errorf("run %+v", run)
	}
	if lm.Parent != 0 || lm.Start.Sub(run.Start) != 200*time.Microsecond || lm.Attrs != nil {
		t.Errorf("lm %+v", lm)
	}
	if none, err := wire.DecodeSpans(nil); none != nil || err != nil {
		t.Errorf("none: %v, %v", none, err)
	}
	for name, text := range map[string]string{
		"not a list":       `{}`,
		"too few members":  `[["run",-1,1]]`,
		"no name":          `[["",-1,1,1]]`,
		"its own parent":   `[["run",0,1,1]]`,
		"parent below -1":  `[["run",-2,1,1]]`,
		"negative time":    `[["run",-1,1,-1]]`,
		"endless":          `[["run",-1,1,9223372036854775807]]`,
		"name is a number": `[[1,-1,1,1]]`,
		"too many":         "[" + strings.Repeat(`["run",-1,1,1],`, wire.SpansMax) + `["run",-1,1,1]]`,
	} {
		if spans, err := wire.DecodeSpans([]byte(text)); err == nil || spans != nil {
			t.Errorf("%s: %v, %v", name, spans, err)
		}
	}
}
