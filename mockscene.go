package dspool

import (
	"encoding/json"
	"maps"
	"sync"

	"github.com/dspool/dspool/fault"
)

// mockScenes are the scenarios of a Mock, in the order in which they were set.
type mockScenes struct {
	mu     sync.RWMutex
	names  []string
	values map[string]map[string]json.RawMessage
}

// fields joins all scenarios; the last one set counts most.
func (s *mockScenes) fields() map[string]json.RawMessage {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if len(s.names) == 0 {
		return nil
	}
	all := map[string]json.RawMessage{}
	for _, name := range s.names {
		maps.Copy(all, s.values[name])
	}
	return all
}

// SetScenario fixes the values of output fields, by name, in the answers to all
// programs that have them, until the scenario is set again, ended with no
// fields, or until [Mock.Reset]. A later scenario counts more than an earlier
// one. Values have to fit the signature, as those of a program do.
func (m *Mock) SetScenario(name string, fields map[string]any) error {
	values := make(map[string]json.RawMessage, len(fields))
	for field, v := range fields {
		raw, err := encodeAnswer(v)
		if err != nil {
			return fault.Wrap(fault.InvalidArgument, err, "scenario "+name+": field "+field)
		}
		values[field] = raw
	}
	m.scenes.set(name, values)
	return nil
}

func (s *mockScenes) set(name string, values map[string]json.RawMessage) {
	s.mu.Lock()
	defer s.mu.Unlock()
	kept := make([]string, 0, len(s.names)+1)
	for _, other := range s.names {
		if other != name {
			kept = append(kept, other)
		}
	}
	if s.values == nil {
		s.values = map[string]map[string]json.RawMessage{}
	}
	delete(s.values, name)
	if len(values) > 0 {
		kept = append(kept, name)
		s.values[name] = values
	}
	s.names = kept
}

func (s *mockScenes) clear() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.names, s.values = nil, nil
}
