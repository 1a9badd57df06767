package main

import (
	"fmt"
	"runtime/debug"
)

// store is a log of others. Append returns once the record is on the medium, and is safe for concurrent
// use. It must not keep the record.
type store interface {
	Append(record []byte) error
	Close() error
}

// peer is one way to use one of them.
type peer struct {
	Name    string `json:"name"`
	Module  string `json:"module"`
	Version string `json:"version"`
	open    func(dir string) (store, error)
}

var peers = []peer{
	{Name: "tidwall/wal", Module: "github.com/tidwall/wal", open: openTidwall},
	{Name: "etcd wal", Module: "go.etcd.io/etcd/server/v3", open: openEtcd},
	{Name: "prometheus wlog", Module: "github.com/prometheus/prometheus", open: openPrometheus},
	{Name: "bbolt Update", Module: "go.etcd.io/bbolt", open: openBolt},
	{Name: "bbolt Batch", Module: "go.etcd.io/bbolt", open: openBoltBatch},
	{Name: "JetStream, SyncAlways", Module: "github.com/nats-io/nats-server/v2", open: openJetStream},
	{Name: "tessera POSIX", Module: "github.com/transparency-dev/tessera", open: openTessera},
}

// list gives the peers with the versions that are built in.
func list() []peer {
	versions := map[string]string{}
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, m := range info.Deps {
			versions[m.Path] = m.Version
		}
	}
	all := make([]peer, 0, len(peers))
	for _, p := range peers {
		p.Version = versions[p.Module]
		all = append(all, p)
	}
	return all
}

func named(name string) (func(string) (store, error), error) {
	for _, p := range peers {
		if p.Name == name {
			return p.open, nil
		}
	}
	return nil, fmt.Errorf("no store is called %q: peers list names them", name)
}
