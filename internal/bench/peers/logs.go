package main

import (
	"log/slog"
	"path/filepath"
	"sync"

	"github.com/prometheus/prometheus/tsdb/wlog"
	"github.com/prometheus/prometheus/util/compression"
	"github.com/tidwall/wal"
	etcdwal "go.etcd.io/etcd/server/v3/storage/wal"
	"go.etcd.io/raft/v3/raftpb"
	"go.uber.org/zap"
)

// tidwall syncs in each Write unless it is told not to.
type tidwall struct {
	mu    sync.Mutex
	log   *wal.Log
	index uint64
}

func openTidwall(dir string) (store, error) {
	l, err := wal.Open(dir, nil)
	if err != nil {
		return nil, err
	}
	return &tidwall{log: l}, nil
}

func (t *tidwall) Append(record []byte) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.index++
	return t.log.Write(t.index, record)
}

func (t *tidwall) Close() error { return t.log.Close() }

// etcd is the log of the server of that name. Save syncs if there are entries.
type etcd struct {
	mu    sync.Mutex
	log   *etcdwal.WAL
	index uint64
}

func openEtcd(dir string) (store, error) {
	w, err := etcdwal.Create(zap.NewNop(), filepath.Join(dir, "wal"), []byte("bench"))
	if err != nil {
		return nil, err
	}
	return &etcd{log: w}, nil
}

func (e *etcd) Append(record []byte) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.index++
	index, term, kind := e.index, uint64(1), raftpb.EntryNormal
	state := &raftpb.HardState{Term: &term, Commit: &index}
	return e.log.Save(state, []*raftpb.Entry{{Term: &term, Index: &index, Type: &kind, Data: record}})
}

func (e *etcd) Close() error { return e.log.Close() }

// prometheus is the log that its time series database writes ahead. Log leaves syncing to Sync.
type prometheus struct {
	mu  sync.Mutex
	log *wlog.WL
}

func openPrometheus(dir string) (store, error) {
	l, err := wlog.New(slog.New(slog.DiscardHandler), nil, dir, compression.None)
	if err != nil {
		return nil, err
	}
	return &prometheus{log: l}, nil
}

func (p *prometheus) Append(record []byte) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if err := p.log.Log(record); err != nil {
		return err
	}
	return p.log.Sync()
}

func (p *prometheus) Close() error { return p.log.Close() }
