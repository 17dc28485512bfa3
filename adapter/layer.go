package adapter

import (
	"slices"

	"github.com/dspool/dspool/fault"
)

// A Layer is a tier of tests, or production.
type Layer string

// The layers, from the quickest to the most real.
const (
	// Layer1 has no processes: the mock.
	Layer1 Layer = "layer_1"
	// Layer2 has processes and the wire, but no Python: the wire mock.
	Layer2 Layer = "layer_2"
	// Layer3 is everything: Python, DSPy, a language model.
	Layer3 Layer = "layer_3"
	// Production is no test at all.
	Production Layer = "production"
)

// A Mode is what the variable TEST_MODE selects.
type Mode string

// The test modes.
const (
	ModeMock       Mode = "mock_adapter"
	ModeBridgeMock Mode = "bridge_mock"
	ModeFull       Mode = "full_integration"
)

// ModeVariable is the environment variable that selects a mode.
const ModeVariable = "TEST_MODE"

// ParseLayer reads a layer's name. The error is invalid_argument.
func ParseLayer(name string) (Layer, error) {
	all := []Layer{Layer1, Layer2, Layer3, Production}
	if slices.Contains(all, Layer(name)) {
		return Layer(name), nil
	}
	return "", fault.Newf(fault.InvalidArgument, "there is no test layer %q; layers are %v", name, all)
}

// LayerOf returns the layer of a mode. What is no mode is full integration.
func LayerOf(mode Mode) Layer {
	switch mode {
	case ModeMock:
		return Layer1
	case ModeBridgeMock:
		return Layer2
	case ModeFull:
	}
	return Layer3
}

// TestModes is the table from modes to the names of adapters. With pooling,
// full integration is the pool. The map is the caller's own.
func TestModes(pooling bool) map[Mode]string {
	full := NamePort
	if pooling {
		full = NamePool
	}
	return map[Mode]string{ModeMock: NameMock, ModeBridgeMock: NameBridgeMock, ModeFull: full}
}
