package main

import (
	"context"
	"fmt"

	"github.com/parley-run/parley/runtime/admin"
	"github.com/parley-run/parley/runtime/folder"
)

// needSupervisor is an error for a folder that only says where servers are that were started one by one.
func needSupervisor(f *folder.Folder) error {
	if f.Cluster.Supervised() {
		return nil
	}
	return usage(fmt.Errorf("the cluster in %s has no supervisor: its servers are started and stopped one by one, where they run", f.Dir))
}

// readUnsupervised asks the servers of such a folder. The cluster runs where one of them answers.
func readUnsupervised(ctx context.Context, f *folder.Folder) (clusterStatus, error) {
	status := clusterStatus{Cluster: f.Cluster.Name, Database: f.Cluster.Database.Name()}
	status.Redis.Address, status.Redis.Embedded = f.Cluster.Redis.Embedded, f.Cluster.Redis.URL == ""
	if !status.Redis.Embedded {
		status.Redis.Address = f.Cluster.Redis.URL
	}
	if b := f.Cluster.Balancer; b.Address != "" {
		status.Balancer.Address, status.Balancer.URL, status.Balancer.Kind = b.Address, f.BalancerURL(), b.Kind
	}
	token, err := f.Token()
	if err != nil {
		return status, err
	}
	for _, s := range f.Cluster.Servers {
		one := serverStatus{
			Name: s.Name, Address: s.Address, URL: s.URL(), Admin: s.Admin, State: "down", Quarantined: []string{}, Channels: []standing{},
		}
		if info, err := askServer(ctx, f, s.Admin, token); err == nil {
			status.Running = true
			status.Revision = max(status.Revision, info.Revision)
			one.State = "draining"
			if info.Ready {
				one.State = "up"
			}
			one.PID, one.Revision, one.Hash, one.Quarantined, one.Problem = info.PID, info.Revision, info.Hash, info.Quarantined, info.Problem
			one.Channels = append(one.Channels, info.Channels...)
		}
		status.Servers = append(status.Servers, one)
	}
	return status, nil
}

// serverInfo is what a server says of itself.
type serverInfo struct {
	Name        string   `json:"name"`
	PID         int      `json:"pid"`
	Ready       bool     `json:"ready"`
	Revision    int64    `json:"revision"`
	Hash        string   `json:"hash"`
	Quarantined []string `json:"quarantined"`
	Problem     string   `json:"problem"`
	KVDB        string   `json:"kvdb"`

	Channels []standing    `json:"channels"`
	About    aboutServer   `json:"about"`
	Started  []startedArea `json:"started"`
}

// standing is how a channel that runs by itself, such as a ZeroMQ one, stands on a server.
type standing struct {
	Kind    string `json:"kind"`
	Name    string `json:"name"`
	State   string `json:"state"`   // runs, or what it waits for
	Problem string `json:"problem"` // why it cannot run; empty where it can
	Handled int64  `json:"handled"` // messages, failed ones too
	Failed  int64  `json:"failed"`
}

func askServer(ctx context.Context, f *folder.Folder, address, token string) (serverInfo, error) {
	var info serverInfo
	ctx, cancel := context.WithTimeout(ctx, askTime)
	defer cancel()
	client := admin.NewClient(address, token).Secured(f.AdminTLS(address))
	defer client.CloseIdle()
	err := client.Call(ctx, "parley.server.info", struct{}{}, &info)
	return info, err
}
