package node

import (
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
)

func TestNoncesOfOneServerAreBounded(t *testing.T) {
	var n nonces
	now := time.Now()
	add := func(key string, at time.Time, during time.Duration) string {
		fresh, full := n.add(key, at, during)
		return strconv.FormatBool(fresh) + " " + strconv.FormatBool(full)
	}
	assert.Equal(t, "true false", add("a", now, time.Minute))
	assert.Equal(t, "false false", add("a", now.Add(59*time.Second), time.Minute))
	assert.Equal(t, "true false", add("a", now.Add(time.Minute), time.Minute), "it is over")
	for i := len(n.seen); i < maxNonces; i++ {
		add(strconv.Itoa(i), now, time.Hour)
	}
	assert.Equal(t, "true true", add("b", now, time.Minute), "there is no place")
	assert.Equal(t, "false false", add("a", now.Add(time.Minute), time.Minute), "what is there still counts")
	assert.Equal(t, "true false", add("b", now.Add(3*time.Minute), time.Minute), "a has gone")
	assert.Equal(t, "true true", add("c", now.Add(3*time.Minute), time.Minute))
	assert.Len(t, n.seen, maxNonces)
}
