package sessionbolt_test

import (
	"bytes"
	"fmt"
	"testing"

	"github.com/dspool/dspool/sessionbolt"
)

// BenchmarkSave is why calls do not wait for the disk: one transaction a call,
// and one for many.
func BenchmarkSave(b *testing.B) {
	for _, n := range []int{1, 256} {
		for _, size := range []int{1 << 10, 64 << 10} {
			b.Run(fmt.Sprintf("%d records of %d KiB", n, size>>10), func(b *testing.B) {
				s := opened(b, file(b), sessionbolt.Options{})
				records := map[string][]byte{}
				for i := range n {
					records[fmt.Sprintf("session %d", i)] = bytes.Repeat([]byte("x"), size)
				}
				b.SetBytes(int64(n * size))
				for b.Loop() {
					if err := s.Save(b.Context(), records); err != nil {
						b.Fatal(err)
					}
				}
				b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N*n), "us/record")
			})
		}
	}
}
