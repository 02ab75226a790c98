package sqlstore

import (
	"fmt"
	"runtime"
	"sync/atomic"
	"testing"

	"roomwarden/journal"
)

// BenchmarkEntry begins and finishes an entry, and, unless it says otherwise, writes what became of the answer.
func BenchmarkEntry(b *testing.B) {
	var keys atomic.Int64
	once := func(b *testing.B, s *Store, answered bool) {
		n := keys.Add(1)
		e := mute(fmt.Sprintf("slack:%d", n))
		e.Target = fmt.Sprintf("member%d", n)
		begun, err := s.Begin(b.Context(), e)
		if err != nil || !begun.Fresh {
			b.Fatal(begun.Fresh, err)
		}
		if err = s.Finish(b.Context(), begun.Hand(), muted); err == nil && answered {
			err = s.Answered(b.Context(), begun.Hand(), journal.Delivered)
		}
		if err != nil {
			b.Fatal(err)
		}
	}
	for _, d := range databases {
		for _, answered := range []bool{false, true} {
			for _, callers := range []int{1, 16, 64} {
				b.Run(fmt.Sprintf("%s/answered=%t/callers=%d", d.name, answered, callers), func(b *testing.B) {
					s := openAt(b, d.address(b))
					b.ReportAllocs()
					if callers == 1 {
						for b.Loop() {
							once(b, s, answered)
						}
						return
					}
					b.SetParallelism(callers / runtime.GOMAXPROCS(0))
					b.RunParallel(func(pb *testing.PB) {
						for pb.Next() {
							once(b, s, answered)
						}
					})
				})
			}
		}
	}
}
