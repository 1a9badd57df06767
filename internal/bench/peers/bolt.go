package main

import (
	"encoding/binary"
	"errors"
	"path/filepath"

	bolt "go.etcd.io/bbolt"
)

// database keeps records under ascending numbers, one transaction a record or, with Batch, one for the
// records of callers that come together.
type database struct {
	db  *bolt.DB
	run func(func(*bolt.Tx) error) error
}

var bucket = []byte("records")

func openDatabase(dir string) (*database, error) {
	db, err := bolt.Open(filepath.Join(dir, "bolt.db"), 0o600, nil)
	if err != nil {
		return nil, err
	}
	err = db.Update(func(tx *bolt.Tx) error {
		_, err := tx.CreateBucketIfNotExists(bucket)
		return err
	})
	if err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return &database{db: db, run: db.Update}, nil
}

func openBolt(dir string) (store, error) { return openDatabase(dir) }

func openBoltBatch(dir string) (store, error) {
	d, err := openDatabase(dir)
	if err != nil {
		return nil, err
	}
	d.run = d.db.Batch
	return d, nil
}

func (d *database) Append(record []byte) error {
	return d.run(func(tx *bolt.Tx) error {
		b := tx.Bucket(bucket)
		b.FillPercent = 1 // keys only ascend
		n, err := b.NextSequence()
		if err != nil {
			return err
		}
		return b.Put(binary.BigEndian.AppendUint64(nil, n), record)
	})
}

func (d *database) Close() error { return d.db.Close() }
