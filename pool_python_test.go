package dspool_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/dspool/dspool"
	"github.com/dspool/dspool/dspooltest"
	"github.com/dspool/dspool/fault"
	"github.com/dspool/dspool/internal/testkit"
)

func TestAPreloadModuleThatFailsFailsTheStart(t *testing.T) {
	t.Parallel()
	testkit.Require(t, "dspy")
	pool := started(t, dspool.Config{
		Python: testkit.Python(t), Start: dspool.ForkServer,
		Path: []string{"testdata/misbehaviour"}, Preload: []string{"good", "fails_at_import"},
	})
	ctx := testkit.Context(t, 30*time.Second)
	until(t, "the start has failed", func() bool { return pool.Status().Phase == dspool.PoolDown })
	_, err := pool.Call(ctx, dspool.Request{Program: mock(t, "echo")})
	f := wantCode(t, err, fault.Unavailable, fault.StartedNo)
	if !strings.Contains(f.Error(), "fails_at_import") || !strings.Contains(f.Error(), "the model file is missing") {
		t.Errorf("error %v", f)
	}
	until(t, "no process is left", func() bool { return len(pool.Status().Workers) == 0 })
}

func TestAPreloadModuleThatMakesForkingUnsafeTurnsThePoolToSpawn(t *testing.T) {
	t.Parallel()
	testkit.Require(t, "dspy")
	pool := started(t, dspool.Config{
		Python: testkit.Python(t), Start: dspool.ForkServer, Workers: 1,
		Path: []string{"testdata/misbehaviour"}, Preload: []string{"threads_at_import"},
	})
	spec, err := dspool.NewFunc("threads_at_import:alive")
	if err != nil {
		t.Fatal(err)
	}
	resp, err := pool.Call(testkit.Context(t, 30*time.Second), dspool.Request{Program: spec})
	if err != nil || string(resp.Output) != "true" {
		t.Fatalf("%s, %v", resp.Output, err)
	}
	if st := pool.Status(); st.Mode != dspool.Spawn || !strings.Contains(st.ModeReason, "left-behind") || st.ForkServerPID != 0 {
		t.Errorf("mode %s because of %q, fork server %d", st.Mode, st.ModeReason, st.ForkServerPID)
	}
}

func TestWorkersSeeTheirOwnEnvironment(t *testing.T) {
	testkit.Require(t, "python")
	t.Setenv("OPENAI_API_KEY", "sk-of-the-host-process")
	t.Setenv("OPENAI_BASE_URL", "http://127.0.0.1:1/v1")
	t.Setenv("MY_SETTING", "inherited")
	config := pythonConfig(dspool.Spawn)(t)
	config.Env = []string{"GIVEN=1", "GROQ_API_KEY=for-user-code"}
	pool := started(t, config)
	resp, err := pool.Call(testkit.Context(t, 30*time.Second), dspool.Request{
		Program: mock(t, "environ"),
		Input:   []byte(`{"names":["OPENAI_API_KEY","OPENAI_BASE_URL","MY_SETTING","GIVEN","GROQ_API_KEY"]}`),
	})
	if err != nil {
		t.Fatal(err)
	}
	var got map[string]*string
	if err := json.Unmarshal(resp.Output, &got); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{"MY_SETTING": "inherited", "GIVEN": "1", "GROQ_API_KEY": "for-user-code"} {
		if got[name] == nil || *got[name] != want {
			t.Errorf("%s is %v, want %q", name, got[name], want)
		}
	}
	for _, name := range []string{"OPENAI_API_KEY", "OPENAI_BASE_URL"} {
		if got[name] != nil {
			t.Errorf("%s reached a worker", name)
		}
	}
}

// CHK-30: what user code prints never shows a key of the pool's.
func TestAKeyThatUserCodePrintsIsRedacted(t *testing.T) {
	t.Parallel()
	testkit.Require(t, "python")
	const key = "an-unusual-key-0123456789"
	config := pythonConfig(dspool.Spawn)(t)
	config.Workers = 1
	config.LM = dspool.LM{Model: "openai/m", APIKey: key}
	pool, err := dspool.New(config)
	if err != nil {
		t.Fatal(err)
	}
	seen := record(t.Context(), pool)
	if err := pool.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	defer stopPool(t, pool)
	req := dspool.Request{Program: mock(t, "say"), Input: fmt.Appendf(nil, `{"text":"the key is %s."}`, key)}
	if _, err := pool.Call(testkit.Context(t, 30*time.Second), req); err != nil {
		t.Fatal(err)
	}
	line := seen.await(t, dspool.OutputCaptured)
	if strings.Contains(line.Reason, key) || !strings.HasPrefix(line.Reason, "the key is ") {
		t.Errorf("line %q", line.Reason)
	}
}

func TestACallUsesTheLanguageModelThatItNames(t *testing.T) {
	t.Parallel()
	testkit.Require(t, "dspy")
	practice := dspooltest.NewPracticeLM(dspooltest.PracticeConfig{})
	if err := practice.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = practice.Close() })
	lm := func(name string) dspool.LM {
		return dspool.LM{Model: "openai/" + name, APIBase: practice.URL(), APIKey: dspool.Secret("key-of-" + name)}
	}
	pool := started(t, dspool.Config{
		Python: testkit.Python(t), Workers: 1,
		LM: lm("usual"), LMs: map[string]dspool.LM{"big": lm("big"), "small": lm("small")},
	})
	ctx := testkit.Context(t, 30*time.Second)
	signature := "question: str -> answer: str"
	plain, err := dspool.NewPredict(signature, "Answer.")
	if err != nil {
		t.Fatal(err)
	}
	choosy, err := dspool.NewPredict(signature, "Answer.", dspool.WithLM("big"))
	if err != nil {
		t.Fatal(err)
	}
	input := []byte(`{"question":"Why?"}`)
	for _, tt := range []struct {
		program  *dspool.Spec
		lm, want string
	}{
		{plain, "", "usual"}, {choosy, "", "big"}, {choosy, "small", "small"}, {plain, "big", "big"},
	} {
		before := practice.Stats()
		resp, err := pool.Call(ctx, dspool.Request{Program: tt.program, LM: tt.lm, Input: input})
		if err != nil {
			t.Fatal(err)
		}
		after := practice.Stats()
		hash := dspooltest.KeyHash("key-of-" + tt.want)
		if after.ByModel[tt.want] != before.ByModel[tt.want]+1 || after.ByKey[hash] != before.ByKey[hash]+1 {
			t.Errorf("LM %q of %s: %v, then %v; want one more for %s", tt.lm, tt.program, before.ByModel, after.ByModel, tt.want)
		}
		if resp.Usage.Total().Total == 0 || len(resp.Usage) != 1 {
			t.Errorf("usage %v", resp.Usage)
		}
	}
	_, err = pool.Call(ctx, dspool.Request{Program: plain, LM: "huge", Input: input})
	if f := wantCode(t, err, fault.InvalidArgument, fault.StartedNo); !strings.Contains(f.Message, "big, small") {
		t.Errorf("error %v does not say which there are", f)
	}
}
