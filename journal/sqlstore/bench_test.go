package sqlstore

import (
	"fmt"
	"runtime"
	"sync/atomic"
	"testing"

	"roomwarden/journal"
)

func BenchmarkBeginFinish(b *testing.B) {
	var keys atomic.Int64
	once := func(b *testing.B, s *Store) {
		entry, fresh, err := s.Begin(b.Context(), mute(fmt.Sprintf("slack:%d", keys.Add(1))))
		if err != nil || !fresh {
			b.Fatal(fresh, err)
		}
		err = s.Finish(b.Context(), entry.Number,
			journal.Result{Outcome: journal.Done, Moderator: "Zhang San", Code: 200, Text: "lisi is muted."})
		if err != nil {
			b.Fatal(err)
		}
	}
	b.Run("serial", func(b *testing.B) {
		s := openAt(b, newPath(b))
		b.ReportAllocs()
		for b.Loop() {
			once(b, s)
		}
	})
	for _, callers := range []int{16, 64} {
		b.Run(fmt.Sprintf("%d at once", callers), func(b *testing.B) {
			s := openAt(b, newPath(b))
			b.ReportAllocs()
			b.SetParallelism(callers / runtime.GOMAXPROCS(0))
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					once(b, s)
				}
			})
		})
	}
}
