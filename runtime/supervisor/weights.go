package supervisor

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"time"

	"github.com/parley-run/parley/runtime/balancer"
	"github.com/parley-run/parley/runtime/folder"
	"github.com/parley-run/parley/runtime/service"
)

// weights is what DIR/weights.json holds. The file is replaced as a whole: no weight is ever kept without the note by which the
// audit log comes to know of it.
type weights struct {
	Weights map[string]int `json:"weights"` // of servers that have another one than the default
	Told    []told         `json:"to_be_logged,omitempty"`
}

// told is a weight that somebody set, and of which the audit log does not know yet.
type told struct {
	Server string `json:"server"`
	Weight int    `json:"weight"`
	User   string `json:"user,omitempty"` // empty: whoever has the cluster's token
	CID    string `json:"cid,omitempty"`
}

// openWeights reads the file. Earlier releases kept the weights alone.
func openWeights(f *folder.Folder) (weights, error) {
	out := weights{Weights: map[string]int{}}
	raw, err := os.ReadFile(f.WeightsFile())
	if errors.Is(err, fs.ErrNotExist) {
		return out, nil
	}
	if err != nil {
		return out, err
	}
	decoder := json.NewDecoder(bytes.NewReader(raw))
	decoder.DisallowUnknownFields()
	if decoder.Decode(&out) == nil && out.Weights != nil {
		return out, nil
	}
	out = weights{}
	if err := json.Unmarshal(raw, &out.Weights); err != nil {
		return out, fmt.Errorf(`%s holds no weights such as {"weights": {"server1": 0}}: %w; mend it, or remove it: all servers get requests then`, f.WeightsFile(), err)
	}
	if out.Weights == nil { // the file says null
		out.Weights = map[string]int{}
	}
	return out, nil
}

func (w weights) save(f *folder.Folder) error {
	raw, err := json.Marshal(w)
	if err != nil {
		return err
	}
	return replaceFile(f.WeightsFile(), append(raw, '\n'))
}

// readWeights are the weights of all servers of the cluster.
func readWeights(f *folder.Folder) (map[string]int, error) {
	kept, err := openWeights(f)
	if err != nil {
		return nil, err
	}
	out := map[string]int{}
	for _, s := range f.Cluster.Servers {
		out[s.Name] = balancer.DefaultWeight
		if weight, ok := kept.Weights[s.Name]; ok {
			out[s.Name] = weight
		}
		if w := out[s.Name]; w < 0 || w > balancer.MaxWeight {
			return nil, fmt.Errorf("%s: the weight of %s is %d; expected 0 to %d", f.WeightsFile(), s.Name, w, balancer.MaxWeight)
		}
	}
	return out, nil
}

func checkWeight(weight int) error {
	if weight < 0 || weight > balancer.MaxWeight {
		return fmt.Errorf("%d is no weight; expected 0 to %d", weight, balancer.MaxWeight)
	}
	return nil
}

// KeepWeight makes weight that of the named server from the cluster's next start on, which lets the audit log know of it, too.
// While the cluster runs, its supervisor is asked for that.
func KeepWeight(f *folder.Folder, name string, weight int) error {
	return keepWeight(f, told{Server: name, Weight: weight})
}

func keepWeight(f *folder.Folder, t told) error {
	if _, err := f.Server(t.Server); err != nil {
		return err
	}
	if err := checkWeight(t.Weight); err != nil {
		return err
	}
	all, err := openWeights(f)
	if err != nil {
		return err
	}
	if all.Weights[t.Server] = t.Weight; t.Weight == balancer.DefaultWeight {
		delete(all.Weights, t.Server)
	}
	all.Told = append(all.Told, t)
	return all.save(f)
}

// toldBy is the weight of in, set by whom ctx names.
func toldBy(ctx context.Context, in Weight) told {
	call := service.CallFrom(ctx)
	user, named := strings.CutPrefix(call.Who, "user ")
	if !named {
		user = ""
	}
	return told{in.Server, in.Weight, user, call.CID}
}

const (
	recordMost  = 5 * time.Second // that writing down one weight may take
	recordEvery = 3 * time.Second // how often those are tried again of which the audit log does not know yet
)

// recordWeights lets the audit log know of the weights of which it does not know yet, in their order. The caller holds s.weighing.
// One that was written down right before a crash is written down again, which is then no change.
func (s *Supervisor) recordWeights(ctx context.Context) error {
	all, err := openWeights(s.d.Folder)
	if err != nil {
		return err
	}
	for len(all.Told) > 0 {
		one := all.Told[0]
		asking, cancel := context.WithTimeout(service.WithCall(ctx, &service.Call{CID: one.CID}), recordMost)
		err := s.d.Record(asking, one.User, one.Server, one.Weight)
		cancel()
		if err != nil {
			return fmt.Errorf("the audit log does not know yet that %s has the weight %d: %w", one.Server, one.Weight, err)
		}
		all.Told = all.Told[1:]
		if err := all.save(s.d.Folder); err != nil {
			return err
		}
	}
	return nil
}

// followWeights lets the audit log know of weights that were set while no server could write them down, until ctx ends.
func (s *Supervisor) followWeights(ctx context.Context) {
	repeat(ctx, recordEvery, func(ctx context.Context) error {
		s.weighing.Lock()
		defer s.weighing.Unlock()
		return s.recordWeights(ctx)
	}, func(err error) { s.d.Log.Warn("a weight is not in the audit log yet", "err", err) })
}
