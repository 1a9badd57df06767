package main

import (
	"errors"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
)

// jetStream is the server in this process, without a network, with a stream in a file. A message is
// acknowledged when it is stored, which with SyncAlways is when it is synced.
type jetStream struct {
	server *server.Server
	conn   *nats.Conn
	stream nats.JetStreamContext
}

const subject = "records"

func openJetStream(dir string) (store, error) {
	s, err := server.NewServer(&server.Options{JetStream: true, StoreDir: dir, DontListen: true, SyncAlways: true, NoLog: true, NoSigs: true})
	if err != nil {
		return nil, err
	}
	s.Start()
	j := &jetStream{server: s}
	if !s.ReadyForConnections(10 * time.Second) {
		return nil, errors.Join(errors.New("the server is not ready"), j.Close())
	}
	if j.conn, err = nats.Connect("", nats.InProcessServer(s)); err != nil {
		return nil, errors.Join(err, j.Close())
	}
	if j.stream, err = j.conn.JetStream(); err == nil {
		_, err = j.stream.AddStream(&nats.StreamConfig{Name: "A", Subjects: []string{subject}, Storage: nats.FileStorage})
	}
	if err != nil {
		return nil, errors.Join(err, j.Close())
	}
	return j, nil
}

func (j *jetStream) Append(record []byte) error {
	_, err := j.stream.Publish(subject, record)
	return err
}

func (j *jetStream) Close() error {
	if j.conn != nil {
		j.conn.Close()
	}
	j.server.Shutdown()
	j.server.WaitForShutdown()
	return nil
}
