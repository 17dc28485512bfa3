package feed_test

import (
	"context"
	"slices"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/dspool/dspool/internal/feed"
)

func TestEverySubscriberGetsEveryEventInOrder(t *testing.T) {
	t.Parallel()
	var f feed.Feed[int]
	var readers sync.WaitGroup
	for range 3 {
		seq := f.Subscribe(t.Context(), 100)
		readers.Go(func() {
			want := 0
			for item := range seq {
				if item.Event != want || item.Dropped != 0 {
					t.Errorf("got %+v, want event %d", item, want)
				}
				want++
			}
			if want != 50 {
				t.Errorf("got %d events, want 50", want)
			}
		})
	}
	for i := range 50 {
		f.Publish(i)
	}
	f.Close()
	readers.Wait()
}

func TestASlowSubscriberLosesTheOldestAndIsTold(t *testing.T) {
	t.Parallel()
	var f feed.Feed[int]
	slow := f.Subscribe(t.Context(), 4)
	for i := range 10 {
		f.Publish(i)
	}
	f.Close()
	var got []feed.Item[int]
	for item := range slow {
		got = append(got, item)
	}
	if len(got) != 4 || got[0].Event != 6 || got[0].Dropped != 6 || got[3].Event != 9 || got[1].Dropped != 0 {
		t.Errorf("got %+v", got)
	}
	if f.Dropped() != 6 {
		t.Errorf("%d events counted as lost, want 6", f.Dropped())
	}
}

func TestASubscriptionEndsWithItsContextOrItsLoop(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var f feed.Feed[int]
		ctx, cancel := context.WithCancel(t.Context())
		seq := f.Subscribe(ctx, 4)
		done := make(chan struct{})
		go func() {
			defer close(done)
			for range seq {
			}
		}()
		synctest.Wait()
		cancel()
		<-done

		left := f.Subscribe(t.Context(), 4)
		f.Publish(1)
		for range left {
			break
		}
		unread, drop := context.WithCancel(t.Context())
		_ = f.Subscribe(unread, 4)
		drop()
		synctest.Wait()
		if f.Heard() {
			t.Error("somebody is still subscribed")
		}
	})
}

func TestSubscribingToAClosedFeedEndsAtOnce(t *testing.T) {
	t.Parallel()
	var f feed.Feed[int]
	f.Close()
	f.Close()
	for item := range f.Subscribe(t.Context(), 4) {
		t.Errorf("got %+v from a closed feed", item)
	}
	f.Publish(1)
}

func TestASubscriberGetsWhatItWantsOnly(t *testing.T) {
	t.Parallel()
	var f feed.Feed[int]
	even := f.SubscribeTo(t.Context(), 2, func(n int) bool { return n%2 == 0 })
	for n := range 4 {
		f.Publish(n)
		for range 100 {
			f.Publish(7)
		}
	}
	f.Close()
	var got []int
	for item := range even {
		if item.Dropped > 0 {
			t.Errorf("%d lost before %d", item.Dropped, item.Event)
		}
		got = append(got, item.Event)
	}
	if !slices.Equal(got, []int{0, 2}) {
		t.Errorf("got %v", got)
	}
	if f.Dropped() != 0 {
		t.Errorf("%d dropped", f.Dropped())
	}
}
