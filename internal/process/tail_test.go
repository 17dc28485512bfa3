package process

import (
	"fmt"
	"os"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"
)

func pipe(t *testing.T) (r, w *os.File) {
	t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = w.Close() })
	return r, w
}

// collect follows a pipe, writes text to it, and returns the tail and the lines
// that the receiver got.
func collect(t *testing.T, text string) (*Tail, []Line) {
	t.Helper()
	r, w := pipe(t)
	var got []Line
	tail := Follow(r, func(l Line) { got = append(got, l) }, nil)
	if _, err := w.WriteString(text); err != nil {
		t.Fatal(err)
	}
	_ = w.Close()
	tail.Finish(10 * time.Second)
	tail.Flush()
	return tail, got
}

func TestTailGivesLinesAndKeepsThem(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, text string
		want       []string
	}{
		{"lines", "a\nb\n", []string{"a", "b"}},
		{"no end of line", "a\nb", []string{"a", "b"}},
		{"nothing", "", nil},
		{"windows ends", "a\r\nb\r\n", []string{"a", "b"}},
		{"empty line between", "a\n\nb\n", []string{"a", "", "b"}},
		{"not UTF-8", "a\xffb\n", []string{"a\uFFFDb"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			tail, got := collect(t, tt.text)
			var texts []string
			for _, l := range got {
				texts = append(texts, l.Text)
			}
			if !slices.Equal(texts, tt.want) {
				t.Errorf("sink got %q, want %q", texts, tt.want)
			}
			if lines := tail.Lines(); !slices.Equal(lines, tt.want) {
				t.Errorf("kept %q, want %q", lines, tt.want)
			}
		})
	}
}

func TestTailCutsLongLines(t *testing.T) {
	t.Parallel()
	_, got := collect(t, strings.Repeat("x", LineBytes+10)+"\n")
	if len(got) != 2 || len(got[0].Text) != LineBytes || len(got[1].Text) != 10 {
		t.Errorf("got %d lines", len(got))
	}
}

func TestTailKeepsTheNewestLinesOnly(t *testing.T) {
	t.Parallel()
	var text strings.Builder
	for i := range 20_000 {
		fmt.Fprintf(&text, "line %d\n", i)
	}
	tail, _ := collect(t, text.String())
	lines := tail.Lines()
	if len(lines) != TailLines || lines[len(lines)-1] != "line 19999" || lines[0] != "line 19800" {
		t.Errorf("%d lines from %q to %q", len(lines), lines[0], lines[len(lines)-1])
	}
}

func TestTailRedactsEveryLine(t *testing.T) {
	t.Parallel()
	r, w := pipe(t)
	var got string
	tail := Follow(r, func(l Line) { got = l.Text }, func(s string) string { return strings.ReplaceAll(s, "sk-1", "***") })
	_, _ = w.WriteString("key sk-1\n")
	_ = w.Close()
	tail.Finish(10 * time.Second)
	tail.Flush()
	if got != "key ***" || tail.Lines()[0] != "key ***" {
		t.Errorf("sink %q, kept %q", got, tail.Lines())
	}
}

// A receiver that never returns stalls neither the writer nor the reader.
func TestAFloodStallsNobodyAndGrowsNothing(t *testing.T) { //nolint:paralleltest // measures the heap
	r, w := pipe(t)
	release := make(chan struct{})
	var after []Line
	tail := Follow(r, func(l Line) {
		<-release
		after = append(after, l)
	}, nil)
	line := []byte(strings.Repeat("x", 99) + "\n")
	chunk := slices.Repeat(line, 100)
	var before, during runtime.MemStats
	runtime.ReadMemStats(&before)
	for range 5_000 { // 50 MB
		if _, err := w.Write(chunk); err != nil {
			t.Fatal(err)
		}
	}
	runtime.GC()
	runtime.ReadMemStats(&during)
	if grown := int64(during.HeapAlloc) - int64(before.HeapAlloc); grown > 8<<20 {
		t.Errorf("the heap grew by %d bytes", grown)
	}
	_ = w.Close()
	tail.Finish(10 * time.Second)
	close(release)
	tail.Flush()
	if len(after) > queueLines+1 {
		t.Errorf("%d lines were kept for a slow receiver", len(after))
	}
}

func TestDroppedLinesAreCounted(t *testing.T) {
	t.Parallel()
	r, w := pipe(t)
	release := make(chan struct{})
	total := 0
	tail := Follow(r, func(l Line) {
		<-release
		total += 1 + l.Dropped
	}, nil)
	for range 10_000 {
		_, _ = w.WriteString("x\n")
	}
	close(release)
	for range 1_000 {
		_, _ = w.WriteString("y\n")
	}
	_ = w.Close()
	tail.Finish(10 * time.Second)
	tail.Flush()
	if total > 11_000 || total < queueLines {
		t.Errorf("delivered and dropped = %d of 11000", total)
	}
}

// A descendant that left the group may hold the pipe open for ever.
func TestFinishDoesNotWaitForAPipeThatStaysOpen(t *testing.T) {
	t.Parallel()
	r, w := pipe(t)
	tail := Follow(r, nil, nil)
	_, _ = w.WriteString("last words\n")
	tail.Finish(500 * time.Millisecond)
	if lines := tail.Lines(); len(lines) != 1 || lines[0] != "last words" {
		t.Errorf("kept %q", lines)
	}
	if _, err := w.WriteString("more"); err == nil {
		t.Error("the pipe is still read after Finish")
	}
}

func TestRingMatchesAPlainBuffer(t *testing.T) {
	t.Parallel()
	var r ring
	var all []byte
	for i := range 3_000 {
		b := []byte(strings.Repeat(string(rune('a'+i%26)), 1+(i*37)%300) + "\n")
		r.write(b)
		all = append(all, b...)
		got := r.bytes()
		if !strings.HasSuffix(string(all), string(got)) {
			t.Fatalf("after %d writes the ring holds other bytes", i)
		}
		if len(all) > TailBytes && len(got) < TailBytes-301 {
			t.Fatalf("after %d writes only %d bytes are kept", i, len(got))
		}
	}
	r.write([]byte(strings.Repeat("z", 3*TailBytes)))
	if got := r.bytes(); len(got) != TailBytes {
		t.Errorf("one huge line keeps %d bytes", len(got))
	}
}
