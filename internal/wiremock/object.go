package wiremock

import (
	"encoding/json"
	"os"
	"strings"
	"time"

	"github.com/dspool/dspool/fault"
	"github.com/dspool/dspool/internal/wire"
)

// A counter is the one kind of object that the mock has: "mock:Counter", and
// "mock:Kept", which can be made again from its snapshot.
type counter struct{ Value int }

// A method is a method of a counter.
type method struct {
	class, name string
	keeps       bool // gives snapshots
}

func readMethod(d definition) (*program, *fault.Error) {
	class, mine := strings.CutPrefix(d.Ref, "mock:")
	if !mine || class != "Counter" && class != "Kept" {
		return nil, fault.Newf(fault.NotFound, "the mock has no class %q", d.Ref).WithStarted(fault.StartedNo)
	}
	return &program{ref: "object", object: &method{class: class, name: d.Method, keeps: class == "Kept"}}, nil
}

func (m *method) call(c *call) (json.RawMessage, error) {
	object, err := m.object(c)
	if err != nil {
		return nil, err
	}
	c.begin()
	value, err := m.run(c, object)
	if err != nil || !m.keeps {
		return value, err
	}
	c.mu.Lock()
	state, err := encode(object)
	c.mu.Unlock()
	if err != nil {
		return nil, err
	}
	meta := wire.ResultMeta{Queue: 1, Run: 1, State: len(state)}
	c.finish(wire.Frame{Type: wire.TypeResult, ID: c.id, Meta: meta.Append(nil), Body: append(value, state...)})
	return nil, nil
}

// object finds the call's object or makes it.
func (m *method) object(c *call) (*counter, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if found := c.objects[c.key][m.class]; found != nil {
		return found, nil
	}
	if c.knows == wire.ObjectLive {
		return nil, fault.New(fault.SessionLost, "the mock has no such object").WithStarted(fault.StartedNo)
	}
	if limit := c.Settings.Objects; limit > 0 && c.count() >= limit {
		return nil, fault.Newf(fault.ResourceExhausted, "the mock keeps %d objects", limit).WithStarted(fault.StartedNo)
	}
	made := &counter{}
	var given struct{ Start, Value int }
	if len(c.state) > 0 {
		if err := json.Unmarshal(c.state, &given); err != nil {
			return nil, fault.Wrap(fault.InvalidArgument, err, "the object cannot be made of that").WithStarted(fault.StartedNo)
		}
	}
	made.Value = given.Start + given.Value
	if c.objects[c.key] == nil {
		c.objects[c.key] = map[string]*counter{}
	}
	c.objects[c.key][m.class] = made
	return made, nil
}

// count counts the objects. Callers hold mu.
func (s *session) count() (n int) {
	for _, objects := range s.objects {
		n += len(objects)
	}
	return n
}

func (m *method) run(c *call, o *counter) (json.RawMessage, error) {
	switch m.name {
	case "add":
		c.mu.Lock()
		defer c.mu.Unlock()
		o.Value += c.number("n")
		return encode(o.Value)
	case "sleep":
		if err := c.wait(time.Duration(c.number("ms")) * time.Millisecond); err != nil {
			return nil, err
		}
		return encode(o.Value)
	case "fail":
		return nil, fault.New(fault.ProgramError, "the method failed").WithStarted(fault.StartedYes)
	case "crash":
		return crash(c)
	case "pid":
		return encode(os.Getpid())
	default:
		return nil, fault.Newf(fault.NotFound, "the mock's counter has no method %q", m.name).WithStarted(fault.StartedYes)
	}
}

// owned tells the sessions of different tenants apart.
func owned(tenant, session string) string { return tenant + "\x1f" + session }

// release forgets the objects of a session.
func (s *session) release(f wire.Frame) error {
	meta, err := wire.DecodeReleaseMeta(f.Meta)
	if err != nil {
		return err //nolint:wrapcheck // says it all
	}
	s.mu.Lock()
	delete(s.objects, owned(meta.Tenant, meta.Session))
	s.mu.Unlock()
	return nil
}
