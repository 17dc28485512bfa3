package dspool_test

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/dspool/dspool"
	"github.com/dspool/dspool/fault"
	"github.com/dspool/dspool/internal/testkit"
)

// count adds one to the counter of a session and returns what it has then.
func count(t *testing.T, r dspool.Runner, session, class string, opts ...dspool.ObjectOption) (int, dspool.Response, error) {
	t.Helper()
	spec, err := dspool.NewObject("mock:"+class, "add", opts...)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := r.Call(soon(t), dspool.Request{Program: spec, Input: []byte(`{"n":1}`), Session: session})
	var n int
	if err == nil {
		err = json.Unmarshal(resp.Output, &n)
	}
	return n, resp, err
}

func TestUnusedObjectsEnd(t *testing.T) {
	t.Parallel()
	pool := mockPool(t, func(c *dspool.Config) { c.Affinity.TTL = 30 * time.Millisecond })
	for want := 1; want <= 2; want++ { // the second one is used, and lives on
		if n, _, err := count(t, pool, "s", "Kept"); err != nil || n != want {
			t.Fatalf("%d, %v, want %d", n, err, want)
		}
	}
	until(t, "the object has ended", func() bool { return pool.Status().Objects.Live == 0 })
	if st := pool.Status().Objects; st.SnapshotBytes != 0 {
		t.Errorf("%d bytes of snapshots are kept of no object", st.SnapshotBytes)
	}
	n, resp, err := count(t, pool, "s", "Kept")
	if err != nil || n != 1 || resp.Object != dspool.ObjectMade {
		t.Errorf("%d, %q, %v: the worker still had the object", n, resp.Object, err)
	}
}

// A worker that is exchanged finishes its calls; objects with hooks move, the
// others are lost and say why.
func TestObjectsMoveOutOfAWorkerThatIsExchanged(t *testing.T) {
	t.Parallel()
	pool, seen := recorded(t, nil)
	for _, class := range []string{"Kept", "Counter"} {
		if _, _, err := count(t, pool, "s", class); err != nil {
			t.Fatal(err)
		}
	}
	spec, err := dspool.NewObject("mock:Kept", "sleep")
	if err != nil {
		t.Fatal(err)
	}
	held := background(t.Context(), pool, dspool.Request{Program: spec, Input: []byte(`{"ms":300}`), Session: "s"})
	until(t, "the call runs", func() bool { return pool.Status().InFlight == 1 })
	if err := pool.Swap(testkit.Context(t, 30*time.Second), dspool.Change{}); err != nil {
		t.Fatal(err)
	}
	if lost := seen.await(t, dspool.ObjectsLost); lost.Count != 1 || lost.Reason == "" || lost.Worker == "" {
		t.Errorf("lost %+v", lost)
	}
	n, resp, err := count(t, pool, "s", "Kept")
	if err != nil || n != 2 || resp.Object != dspool.ObjectRestored {
		t.Errorf("%d, %q, %v, want 2 and restored", n, resp.Object, err)
	}
	if a := <-held; a.err != nil || string(a.resp.Output) != "1" {
		t.Errorf("the call under way: %s, %v", a.resp.Output, a.err)
	}
	restored := seen.await(t, dspool.ObjectRestoration)
	if restored.Session != "s" || restored.Worker != resp.Worker || restored.Reason != "mock:Kept" {
		t.Errorf("restored %+v", restored)
	}
	_, _, err = count(t, pool, "s", "Counter")
	wantFault(t, err, fault.SessionLost, "mock:Counter", "Renewable")
	if reason := fault.From(err).Details["reason"]; reason == "" || strings.Contains(reason, "crash") {
		t.Errorf("reason %q", reason)
	}
}

func TestAnEndedSessionEndsItsObjects(t *testing.T) {
	t.Parallel()
	pool := mockPool(t, nil)
	session := pool.Session("user-7")
	for range 2 {
		if _, _, err := count(t, session, "", "Counter"); err != nil {
			t.Fatal(err)
		}
	}
	if err := session.End(soon(t)); err != nil {
		t.Fatal(err)
	}
	if n := pool.Status().Objects.Live; n != 0 {
		t.Errorf("%d objects outlived their session", n)
	}
	if n, _, err := count(t, session, "", "Counter"); err != nil || n != 1 {
		t.Errorf("%d, %v, want a new object", n, err)
	}
}

func TestSnapshotsThatDoNotFitAreNotKept(t *testing.T) {
	t.Parallel()
	pool := mockPool(t, func(c *dspool.Config) {
		c.Workers, c.Objects = 1, dspool.Objects{SnapshotBytes: 20, SnapshotsBytes: 20}
	})
	var worker string
	for i := range 3 {
		_, resp, err := count(t, pool, fmt.Sprint("s", i), "Kept")
		if err != nil {
			t.Fatal(err)
		}
		worker = resp.Worker
	}
	if st := pool.Status().Objects; st.SnapshotBytes == 0 || st.SnapshotBytes > 20 {
		t.Errorf("%d bytes of snapshots, at most 20 are allowed", st.SnapshotBytes)
	}
	for _, w := range pool.Status().Workers {
		kill(t, w.PID)
	}
	until(t, "the worker is gone", func() bool {
		return !slices.ContainsFunc(pool.Status().Workers, func(w dspool.WorkerStatus) bool { return w.ID == worker })
	})
	codes := map[fault.Code]int{}
	for i := range 3 {
		_, _, err := count(t, pool, fmt.Sprint("s", i), "Kept")
		codes[fault.CodeOf(err)]++
	}
	if codes[""] != 1 || codes[fault.SessionLost] != 2 {
		t.Errorf("%v, want one object restored and two lost", codes)
	}
}

// CHK-17
func TestAFailedHandOutCostsOneWorkerAndNobodyElse(t *testing.T) {
	t.Parallel()
	pool := mockPool(t, func(c *dspool.Config) { c.Workers, c.WorkerConcurrency = 3, 1 })
	if err := pool.WaitReady(soon(t)); err != nil {
		t.Fatal(err)
	}
	until(t, "all workers serve", func() bool { return pool.Status().Serving == 3 })
	before := pool.Status().Workers
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var held, waiting []<-chan result
	for range 3 {
		held = append(held, background(ctx, pool, dspool.Request{Program: mock(t, "heed")}))
	}
	until(t, "every place is taken", func() bool { return pool.Status().InFlight == 3 })
	for range 12 {
		waiting = append(waiting, background(t.Context(), pool, dspool.Request{Program: mock(t, "pid")}))
	}
	until(t, "calls wait", func() bool { return pool.Status().Queue.Length == 12 })
	kill(t, before[0].PID) // the calls in the queue find it, or not
	until(t, "the dead worker is missed", func() bool { return pool.Status().Totals.Crashes == 1 })
	cancel()
	for _, done := range waiting {
		if a := <-done; a.err != nil {
			t.Errorf("a call that waited: %v", a.err)
		}
	}
	for _, done := range held {
		<-done
	}
	until(t, "all workers serve again", func() bool { return pool.Status().Serving == 3 })
	for _, w := range pool.Status().Workers {
		if w.PID == before[0].PID {
			t.Error("the dead worker is still there")
		}
	}
	if n := pool.Status().Totals.Crashes; n != 1 {
		t.Errorf("%d workers lost, want 1", n)
	}
	for _, w := range before[1:] {
		if !slices.ContainsFunc(pool.Status().Workers, func(now dspool.WorkerStatus) bool { return now.PID == w.PID }) {
			t.Errorf("worker %s was lost too", w.ID)
		}
	}
}

func TestWhatCannotBeAMethodIsRefused(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		ref, method string
		opts        []dspool.ObjectOption
		says        string
	}{
		"a file":            {"shop.py:Cart", "add", nil, "names a file"},
		"no class":          {"shop", "add", nil, `"package.module:Class"`},
		"no method":         {"shop:Cart", "", nil, "public method"},
		"a private method":  {"shop:Cart", "_add", nil, "public method"},
		"an option of none": {"shop:Cart", "add", []dspool.ObjectOption{dspool.SnapshotEvery(0)}, "snapshot_every"},
		"no arguments":      {"shop:Cart", "add", []dspool.ObjectOption{dspool.WithInit(7)}, "by name"},
		"no JSON":           {"shop:Cart", "add", []dspool.ObjectOption{dspool.WithInit(func() {})}, "init"},
	} {
		_, err := dspool.NewObject(c.ref, c.method, c.opts...)
		if err == nil {
			t.Errorf("%s was accepted", name)
			continue
		}
		wantFault(t, err, fault.InvalidArgument, c.says)
	}
	if err := (&dspool.Spec{Kind: dspool.KindFunc, Ref: "a:b", Method: "c"}).Validate(); fault.CodeOf(err) != fault.InvalidArgument {
		t.Errorf("a function with a method: %v", err)
	}
}

func TestAMethodSurvivesJSON(t *testing.T) {
	t.Parallel()
	spec, err := dspool.NewObject("shop:Cart", "add", dspool.WithInit(map[string]any{"limit": 3}),
		dspool.Renewable(), dspool.Concurrent(), dspool.SnapshotEvery(2), dspool.Named("cart"), dspool.Idempotent(), dspool.Exclusive())
	if err != nil {
		t.Fatal(err)
	}
	raw, err := json.Marshal(spec)
	if err != nil {
		t.Fatal(err)
	}
	var again dspool.Spec
	if err := json.Unmarshal(raw, &again); err != nil {
		t.Fatal(err)
	}
	_, first, _ := spec.Definition()
	_, second, err := again.Definition()
	if err != nil || first != second || !again.Renewable || again.Method != "add" || again.String() != "cart" {
		t.Errorf("%s, %v", raw, err)
	}
}

func TestInitThatIsNoJSONFailsTheCall(t *testing.T) {
	t.Parallel()
	class := dspool.Object("shop:Cart")
	runner := class.In(says("1"), "s", func() {})
	_, err := dspool.Method[struct{}, int](class, "total").Call(t.Context(), runner, struct{}{})
	wantFault(t, err, fault.InvalidArgument, "Init: ")
	for _, err := range runner.Stream(t.Context(), dspool.Request{}) {
		wantFault(t, err, fault.InvalidArgument, "Init: ")
	}
}
