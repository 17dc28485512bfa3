package conformance

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"sync"
	"testing"

	"github.com/dspool/dspool"
	"github.com/dspool/dspool/fault"
)

// objects: a class whose objects live in workers. One test after the other, on a
// subject that has to be whole after each.
func (s *suite) objects(t *testing.T) {
	t.Run("no more objects than configured", s.fewObjects)
	subject := s.Open(t, nil)
	for _, test := range []struct {
		name string
		run  func(*testing.T, Subject)
	}{
		{"an object keeps its state, and sessions share nothing", keepsState}, // CHK-48
		{"the constructor's arguments", constructed},
		{"calls of one object run one after the other", serialCalls},
		{"a failed call leaves the object", failedMethod}, // CHK-49
		{"a worker's death loses its objects and no others", lostObject},
		{"a renewable object is made anew", renewedObject},
		{"an object with hooks survives its worker", restoredObject},
		{"an idempotent call moves with its object", movedObject},
		{"a released session begins anew", releasedObject},
		{"a call without a session", homelessObject},
		{"tenants have sessions of their own", tenantsApart},
	} {
		t.Run(test.name, func(t *testing.T) { //nolint:paralleltest // they share the subject
			test.run(t, subject)
			whole(t, subject)
		})
	}
}

// on calls a method of a class of the suite's.
func on(t testing.TB, ctx context.Context, r dspool.Runner, session, class, method, input string, opts ...dspool.ObjectOption) (dspool.Response, error) {
	t.Helper()
	spec, err := dspool.NewObject("mock:"+class, method, opts...)
	if err != nil {
		t.Fatal(err)
	}
	return r.Call(ctx, dspool.Request{Program: spec, Input: []byte(input), Session: session})
}

// add adds to a counter and returns what it has then.
func add(t testing.TB, r dspool.Runner, session, class string, n int, opts ...dspool.ObjectOption) (int, dspool.Response) {
	t.Helper()
	resp, err := on(t, bounded(t), r, session, class, "add", fmt.Sprintf(`{"n":%d}`, n), opts...)
	if err != nil {
		t.Fatalf("add in session %s: %v", session, err)
	}
	var value int
	if err := json.Unmarshal(resp.Output, &value); err != nil {
		t.Fatal(err)
	}
	return value, resp
}

func wantValue(t testing.TB, got, want int, resp dspool.Response, origin dspool.ObjectOrigin) {
	t.Helper()
	if got != want || resp.Object != origin {
		t.Errorf("the counter has %d and was %q, want %d and %q", got, resp.Object, want, origin)
	}
}

func keepsState(t *testing.T, subject Subject) {
	for i := range 5 {
		for _, key := range []string{"state-1", "state-2"} {
			got, resp := add(t, subject, key, "Counter", 2)
			origin := dspool.ObjectKept
			if i == 0 {
				origin = dspool.ObjectMade
			}
			wantValue(t, got, 2*(i+1), resp, origin)
		}
	}
	got, resp := add(t, subject, "state-1", "Kept", 7)
	wantValue(t, got, 7, resp, dspool.ObjectMade)
}

func constructed(t *testing.T, subject Subject) {
	class := dspool.Object("mock:Counter", dspool.WithInit(map[string]int{"start": 10}))
	type in struct {
		N int `json:"n"`
	}
	plus := dspool.Method[in, int](class, "add")
	for _, c := range []struct {
		init any
		want int
	}{{nil, 11}, {map[string]int{"start": 100}, 101}} {
		key := fmt.Sprint("init-", c.want)
		if c.init == nil && !isPython(subject) {
			continue // the mock does not read definitions that far
		}
		got, err := plus.Call(bounded(t), class.In(subject, key, c.init), in{1})
		if err != nil || got != c.want {
			t.Errorf("init %v: %d, %v, want %d", c.init, got, err, c.want)
		}
	}
}

// isPython reports whether a subject runs Python.
func isPython(subject Subject) bool { return subject.Status().Python != "" }

func serialCalls(t *testing.T, subject Subject) {
	const callers = 32
	var wg sync.WaitGroup
	var mu sync.Mutex
	var seen []int
	for range callers {
		wg.Go(func() {
			resp, err := on(t, bounded(t), subject, "serial", "Counter", "add", `{"n":1}`)
			var n int
			if err == nil {
				err = json.Unmarshal(resp.Output, &n)
			}
			if err != nil {
				t.Error(err)
			}
			mu.Lock()
			defer mu.Unlock()
			seen = append(seen, n)
		})
	}
	wg.Wait()
	slices.Sort(seen)
	for i, n := range seen {
		if n != i+1 {
			t.Fatalf("values %v", seen)
		}
	}
	held := begin(bounded(t), subject, request(t, "serial", "Counter", "sleep", `{"ms":300}`))
	until(t, "the call runs", func() bool { return subject.Status().InFlight == 1 })
	hasty := request(t, "serial", "Counter", "add", `{"n":1}`)
	hasty.Affinity = dspool.AffinityStrictFailFast
	_, err := subject.Call(bounded(t), hasty)
	wantStarted(t, want(t, err, fault.QueueFull), fault.StartedNo)
	ctx, cancel := context.WithCancel(bounded(t))
	impatient := begin(ctx, subject, request(t, "serial", "Counter", "add", `{"n":1}`))
	cancel()
	f := want(t, get(t, impatient).err, fault.Canceled)
	wantStarted(t, f, fault.StartedNo)
	if got, _ := add(t, subject, "serial", "Counter", 1); got != callers+1 {
		t.Errorf("the counter has %d, want %d", got, callers+1)
	}
	if a := get(t, held); a.err != nil || string(a.resp.Output) != fmt.Sprint(callers) {
		t.Errorf("the long call saw %s, %v", a.resp.Output, a.err)
	}
}

// release ends what a session has in workers.
func release(t testing.TB, subject Subject, session string) {
	t.Helper()
	r, ok := subject.(interface{ ReleaseSession(session string) })
	if !ok {
		t.Fatal("the subject cannot release sessions")
	}
	r.ReleaseSession(session)
}

// request is a call of a method.
func request(t testing.TB, session, class, method, input string, opts ...dspool.ObjectOption) dspool.Request {
	t.Helper()
	spec, err := dspool.NewObject("mock:"+class, method, opts...)
	if err != nil {
		t.Fatal(err)
	}
	return dspool.Request{Program: spec, Input: []byte(input), Session: session}
}

func failedMethod(t *testing.T, subject Subject) {
	add(t, subject, "fails", "Counter", 3)
	_, err := on(t, bounded(t), subject, "fails", "Counter", "fail", "{}")
	wantStarted(t, want(t, err, fault.ProgramError), fault.StartedYes)
	got, resp := add(t, subject, "fails", "Counter", 1)
	wantValue(t, got, 4, resp, dspool.ObjectKept)
}

// elsewhere makes objects until one is with another worker than the given one;
// false if there is no other.
func elsewhere(t testing.TB, subject Subject, worker string) (session string, ok bool) {
	t.Helper()
	if subject.Status().Want < 2 {
		return "", false
	}
	for i := range 64 {
		session = fmt.Sprint("elsewhere-", worker, "-", i)
		if _, resp := add(t, subject, session, "Counter", 1); resp.Worker != worker {
			return session, true
		}
	}
	t.Fatal("all objects are with one worker")
	return "", false
}

func lostObject(t *testing.T, subject Subject) {
	_, resp := add(t, subject, "victim", "Counter", 5)
	other, safe := elsewhere(t, subject, resp.Worker)
	lost := subject.Status().Objects.Lost

	_, err := on(t, bounded(t), subject, "victim", "Counter", "crash", "{}")
	wantStarted(t, want(t, err, fault.WorkerCrashed), fault.StartedYes)
	for range 2 {
		_, err = on(t, bounded(t), subject, "victim", "Counter", "add", `{"n":1}`)
		f := want(t, err, fault.SessionLost)
		if wantStarted(t, f, fault.StartedNo); f.Details["worker"] != resp.Worker || f.Retryable() {
			t.Errorf("details %v, retryable %v", f.Details, f.Retryable())
		}
	}
	if n := subject.Status().Objects.Lost; n <= lost {
		t.Errorf("%d objects lost before, %d after", lost, n)
	}
	if safe {
		got, resp := add(t, subject, other, "Counter", 1)
		wantValue(t, got, 2, resp, dspool.ObjectKept)
	}
	release(t, subject, "victim")
	got, made := add(t, subject, "victim", "Counter", 1)
	wantValue(t, got, 1, made, dspool.ObjectMade)
}

func renewedObject(t *testing.T, subject Subject) {
	_, resp := add(t, subject, "phoenix", "Counter", 5, dspool.Renewable())
	killWorker(t, subject, resp.Worker)
	got, made := add(t, subject, "phoenix", "Counter", 1, dspool.Renewable())
	wantValue(t, got, 1, made, dspool.ObjectRenewed)
}

// killWorker kills a worker from outside and waits until it is known to be gone.
func killWorker(t testing.TB, subject Subject, id string) {
	t.Helper()
	for _, w := range subject.Status().Workers {
		if w.ID == id {
			kill(t, w.PID)
		}
	}
	until(t, "the worker is gone", func() bool {
		return !slices.ContainsFunc(subject.Status().Workers, func(w dspool.WorkerStatus) bool { return w.ID == id })
	})
}

func restoredObject(t *testing.T, subject Subject) {
	restored := subject.Status().Objects.Restored
	total := 0
	for round := range 3 {
		origin := dspool.ObjectRestored
		if round == 0 {
			origin = dspool.ObjectMade
		}
		got, resp := add(t, subject, "kept", "Kept", 5)
		total += 5
		wantValue(t, got, total, resp, origin)
		got, resp = add(t, subject, "kept", "Kept", 1)
		total++
		wantValue(t, got, total, resp, dspool.ObjectKept)
		killWorker(t, subject, resp.Worker)
	}
	if n := subject.Status().Objects.Restored - restored; n != 2 {
		t.Errorf("%d objects restored, want 2", n)
	}
}

func movedObject(t *testing.T, subject Subject) {
	_, resp := add(t, subject, "mover", "Kept", 9)
	done := begin(bounded(t), subject, request(t, "mover", "Kept", "sleep", `{"ms":400}`, dspool.Idempotent()))
	until(t, "the call runs", func() bool { return subject.Status().InFlight == 1 })
	killWorker(t, subject, resp.Worker)
	a := get(t, done)
	if a.err != nil || string(a.resp.Output) != "9" || a.resp.Attempts < 2 || a.resp.Object != dspool.ObjectRestored {
		t.Errorf("output %s, attempts %d, object %q, %v", a.resp.Output, a.resp.Attempts, a.resp.Object, a.err)
	}
}

func releasedObject(t *testing.T, subject Subject) {
	add(t, subject, "done", "Kept", 5)
	held := begin(bounded(t), subject, request(t, "done", "Kept", "sleep", `{"ms":200}`))
	until(t, "the call runs", func() bool { return subject.Status().InFlight == 1 })
	release(t, subject, "done")
	release(t, subject, "nobody")
	_, err := on(t, bounded(t), subject, "done", "Kept", "add", `{"n":1}`)
	if f := want(t, err, fault.Unavailable); f.RetryAfter <= 0 {
		t.Errorf("no time to come back: %v", f)
	}
	if a := get(t, held); a.err != nil || string(a.resp.Output) != "5" {
		t.Errorf("the call under way gave %s, %v", a.resp.Output, a.err)
	}
	until(t, "the call has left", func() bool { return subject.Status().InFlight == 0 })
	got, resp := add(t, subject, "done", "Kept", 1)
	wantValue(t, got, 1, resp, dspool.ObjectMade)
}

func homelessObject(t *testing.T, subject Subject) {
	_, err := on(t, bounded(t), subject, "", "Counter", "add", `{"n":1}`)
	f := want(t, err, fault.InvalidArgument)
	if wantStarted(t, f, fault.StartedNo); f.Details["path"] != "Session" {
		t.Errorf("details %v", f.Details)
	}
}

func (s *suite) fewObjects(t *testing.T) {
	t.Parallel()
	subject := s.Open(t, func(c *dspool.Config) { c.Workers, c.Objects.PerWorker = 1, 2 })
	for _, key := range []string{"a", "b"} {
		add(t, subject, key, "Counter", 1)
	}
	_, err := on(t, bounded(t), subject, "c", "Counter", "add", `{"n":1}`)
	wantStarted(t, want(t, err, fault.ResourceExhausted), fault.StartedNo)
	release(t, subject, "a")
	if got, _ := add(t, subject, "c", "Counter", 1); got != 1 {
		t.Errorf("the counter has %d", got)
	}
}
