package adapter

// A Kind is one of the ways to run programs that an adapter can stand for.
type Kind string

// The kinds. Their strings are the names of the adapters.
const (
	Mock     Kind = NameMock
	WireMock Kind = NameBridgeMock
	Port     Kind = NamePort
	Pool     Kind = NamePool
)

// prefix is what the ids that an adapter makes begin with.
func (k Kind) prefix() string {
	switch k {
	case Mock:
		return "mock_program_"
	case WireMock:
		return "bridge_mock_program_"
	case Port:
		return "python_port_"
	default:
		return "pool_"
	}
}

// layers are the test layers that an adapter is made for.
func (k Kind) layers() []Layer {
	switch k {
	case Mock:
		return []Layer{Layer1}
	case WireMock:
		return []Layer{Layer2}
	case Port:
		return []Layer{Layer3}
	default:
		return []Layer{Production}
	}
}

// capabilities is what each kind can do.
func (k Kind) capabilities() Capabilities {
	c := Capabilities{Layers: k.layers(), Requires: []string{}, ConcurrentExecution: true, SessionIsolation: true}
	switch k {
	case Mock:
		c.Performance, c.DeterministicOutputs = "fastest", true
		c.ErrorInjection, c.ScenarioTesting, c.CallLogging = true, true, true
	case WireMock:
		c.Performance, c.DeterministicOutputs, c.ProtocolValidation, c.ErrorInjection = "fast", true, true, true
	case Port:
		c.Performance, c.Requires = "slowest", []string{"python", "dspy", "api_keys"}
		c.PythonExecution, c.ProtocolValidation, c.FullDSPy, c.ProductionReady = true, true, true, true
	default:
		c.Performance, c.Requires = "highly_optimized", []string{"python", "dspy", "api_keys"}
		c.PythonExecution, c.ProtocolValidation, c.FullDSPy, c.ProductionReady = true, true, true, true
	}
	return c
}

// statsType is the adapter_type in an adapter's numbers.
func (k Kind) statsType() string {
	if k == Pool {
		return "python_pool_v2"
	}
	return string(k)
}
