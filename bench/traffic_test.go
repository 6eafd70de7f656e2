package bench_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/parley-run/parley/bench"
)

func TestTrafficIsCounted(t *testing.T) {
	answer := make(chan struct{})
	tg := startTarget(t, func(string, http.ResponseWriter, <-chan struct{}, func()) bool {
		<-answer
		return false
	})
	var traffic bench.Traffic
	ended := make(chan error, 1)
	go func() {
		_, err := bench.Run(t.Context(), bench.Profile{
			Name: "traffic", Rate: 100, Duration: bench.Duration(200 * time.Millisecond), MaxScheduleLag: bench.Duration(time.Minute),
			Request: bench.Request{Method: http.MethodPost, Path: "/", Body: "{{id}}"},
		}, bench.Options{Address: tg.URL, Traffic: &traffic})
		ended <- err
	}()
	all := traffic.Count()
	require.Eventually(t, func() bool { return traffic.UnderWay() == 20 }, time.Minute, time.Millisecond)
	later := traffic.Count()
	close(answer)
	require.NoError(t, <-ended)
	assert.Equal(t, int64(20), traffic.Begun())
	assert.Zero(t, traffic.UnderWay())
	assert.Equal(t, 20, all(), "those that began meanwhile")
	assert.Equal(t, 20, later(), "those that had begun before")
	assert.Zero(t, traffic.Count()(), "none is under way any more")
}
