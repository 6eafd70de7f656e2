package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/goccy/go-yaml"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/parley-run/parley/bench"
)

// job is what docs/kubernetes/bench.yaml uses of batch/v1 Job, by the names of the Kubernetes API reference.
type job struct {
	APIVersion string `yaml:"apiVersion"`
	Kind       string `yaml:"kind"`
	Metadata   struct {
		Name string `yaml:"name"`
	} `yaml:"metadata"`
	Spec struct {
		CompletionMode string `yaml:"completionMode"`
		Completions    int    `yaml:"completions"`
		Parallelism    int    `yaml:"parallelism"`
		BackoffLimit   int    `yaml:"backoffLimit"`
		Template       struct {
			Spec struct {
				RestartPolicy string `yaml:"restartPolicy"`
				Containers    []struct {
					Name    string   `yaml:"name"`
					Image   string   `yaml:"image"`
					Command []string `yaml:"command"`
					Env     []struct {
						Name  string `yaml:"name"`
						Value string `yaml:"value"`
					} `yaml:"env"`
					Resources struct {
						Requests map[string]string `yaml:"requests"`
					} `yaml:"resources"`
					VolumeMounts []struct {
						Name      string `yaml:"name"`
						MountPath string `yaml:"mountPath"`
					} `yaml:"volumeMounts"`
				} `yaml:"containers"`
				Volumes []struct {
					Name      string `yaml:"name"`
					ConfigMap struct {
						Name string `yaml:"name"`
					} `yaml:"configMap"`
				} `yaml:"volumes"`
			} `yaml:"spec"`
		} `yaml:"template"`
	} `yaml:"spec"`
}

// TestKubernetesJob runs what the pods of the manifest run, all at once, and merges what they print.
func TestKubernetesJob(t *testing.T) {
	raw, err := os.ReadFile(filepath.Join("..", "..", "docs", "kubernetes", "bench.yaml"))
	require.NoError(t, err)
	var j job
	require.NoError(t, yaml.UnmarshalWithOptions(raw, &j, yaml.Strict()))
	assert.Equal(t, []string{"batch/v1", "Job", "Indexed", "Never"}, []string{j.APIVersion, j.Kind, j.Spec.CompletionMode, j.Spec.Template.Spec.RestartPolicy})
	pods := j.Spec.Completions
	assert.Equal(t, pods, j.Spec.Parallelism, "all send at once")
	assert.Zero(t, j.Spec.BackoffLimit, "a shard that is sent a second time would be no part of the whole")
	require.Len(t, j.Spec.Template.Spec.Containers, 1)
	c := j.Spec.Template.Spec.Containers[0]
	require.Len(t, c.VolumeMounts, 1)
	assert.Equal(t, j.Spec.Template.Spec.Volumes[0].Name, c.VolumeMounts[0].Name)

	var asked atomic.Int64
	target := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost {
			asked.Add(1)
		}
	}))
	t.Cleanup(target.Close)
	dir := t.TempDir()
	profile := filepath.Join(dir, "load.yaml")
	require.NoError(t, os.WriteFile(profile, []byte("rate: 100\nduration: 400ms\nmax_schedule_lag: 1m\nrequest: {path: /a}\nexpect: [rate > 90, failed == 0]\n"), 0o600))
	for i, word := range c.Command {
		c.Command[i] = strings.ReplaceAll(word, c.VolumeMounts[0].MountPath+"/", dir+"/")
	}
	env := os.Environ()
	start := time.Now().Add(10 * time.Second).UTC().Format(time.RFC3339)
	for _, e := range c.Env {
		env = append(env, e.Name+"="+strings.ReplaceAll(strings.ReplaceAll(e.Value, "$START", start), "http://parley:11223", target.URL))
	}
	ended := make(chan error, pods)
	args := []string{"bench", "merge", "--profile", profile, "--format", "json"}
	for i := range pods {
		file := filepath.Join(dir, fmt.Sprintf("shard-%d.json", i))
		args = append(args, file)
		pod := exec.CommandContext(t.Context(), c.Command[0], c.Command[1:]...)
		pod.Env = append(env[:len(env):len(env)], fmt.Sprintf("JOB_COMPLETION_INDEX=%d", i))
		go func() {
			out, err := pod.Output()
			if err == nil {
				err = os.WriteFile(file, out, 0o600)
			}
			ended <- err
		}()
	}
	for range pods {
		require.NoError(t, <-ended)
	}
	out, code, err := called(t, args...)
	require.NoError(t, err)
	assert.Zero(t, code)
	var r bench.Result
	require.NoError(t, json.Unmarshal([]byte(out), &r))
	assert.Equal(t, bench.Counts{Sent: 40, OK: 40}, r.Counts)
	assert.Equal(t, int64(40), asked.Load())
	assert.Equal(t, pods, r.Merged)
	assert.Len(t, r.Verdicts, 2, "of the whole: a shard alone has not its rate")
}
