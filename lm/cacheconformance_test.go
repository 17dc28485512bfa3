package lm_test

import (
	"testing"

	"github.com/dspool/dspool/dspooltest"
	"github.com/dspool/dspool/lm"
)

func TestAMemoryCacheConforms(t *testing.T) {
	t.Parallel()
	dspooltest.LMCacheConformance(t, func(*testing.T) lm.Cache { return lm.NewMemoryCache(0) })
}
