package supervisor

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/parley-run/parley/runtime/balancer"
	"github.com/parley-run/parley/runtime/folder"
)

// readWeights are the weights of all servers of the cluster.
func readWeights(f *folder.Folder) (map[string]int, error) {
	kept := map[string]int{}
	raw, err := os.ReadFile(f.WeightsFile())
	switch {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		return nil, err
	default:
		if err := json.Unmarshal(raw, &kept); err != nil {
			return nil, fmt.Errorf("%s holds no weights such as {\"server1\": 0}: %w; mend it, or remove it: all servers get requests then", f.WeightsFile(), err)
		}
	}
	out := map[string]int{}
	for _, s := range f.Cluster.Servers {
		out[s.Name] = balancer.DefaultWeight
		if weight, ok := kept[s.Name]; ok {
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

// KeepWeight makes weight that of the named server from the cluster's next start on. While the cluster runs, its
// supervisor is asked for that.
func KeepWeight(f *folder.Folder, name string, weight int) error {
	if _, err := f.Server(name); err != nil {
		return err
	}
	if err := checkWeight(weight); err != nil {
		return err
	}
	all, err := readWeights(f)
	if err != nil {
		return err
	}
	all[name] = weight
	for one, w := range all {
		if w == balancer.DefaultWeight {
			delete(all, one)
		}
	}
	raw, err := json.Marshal(all)
	if err != nil {
		return err
	}
	return replaceFile(f.WeightsFile(), append(raw, '\n'))
}
