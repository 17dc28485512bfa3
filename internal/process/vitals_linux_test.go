package process

import (
	"os"
	"testing"
	"time"
)

func TestVitalsAreReadWhateverTheCommandIsCalled(t *testing.T) {
	t.Parallel()
	tests := []struct {
		stat string
		want Vitals
		ok   bool
	}{
		{"12 (python) S 1 12 12 0 -1 4194560 9 0 0 0 150 50 7 7 20 0", Vitals{'S', 2 * time.Second}, true},
		{"12 (a) R 1 (b)) T 1 12 12 0 -1 4194560 9 0 0 0 1 0 7 7 20 0", Vitals{'T', 10 * time.Millisecond}, true},
		{"12 (python) S 1 12", Vitals{}, false},
		{"12 (python) S 1 12 12 0 -1 4194560 9 0 0 0 x 50 7 7 20 0", Vitals{}, false},
		{"12 (python) S 1 12 12 0 -1 4194560 9 0 0 0 150 y 7 7 20 0", Vitals{}, false},
		{"nothing", Vitals{}, false},
		{"", Vitals{}, false},
	}
	for _, tt := range tests {
		if got, ok := readStat([]byte(tt.stat)); got != tt.want || ok != tt.ok {
			t.Errorf("%q: %+v, %v; want %+v, %v", tt.stat, got, ok, tt.want, tt.ok)
		}
	}
}

func TestVitalsOfThisProcess(t *testing.T) {
	t.Parallel()
	v, ok := VitalsOf(os.Getpid())
	if !ok || v.Stopped() {
		t.Errorf("%+v, %v", v, ok)
	}
	if _, ok := VitalsOf(-1); ok {
		t.Error("a process that cannot be has vitals")
	}
}
