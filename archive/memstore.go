package archive

import (
	"bytes"
	"context"
	"io"
	"io/fs"
	"slices"
	"strings"
	"sync"
)

// MemStore is a [Store] in memory, for tests. The zero value is empty and ready to use.
type MemStore struct {
	mu      sync.Mutex
	objects map[string][]byte
}

// Put is [Store.Put].
func (m *MemStore) Put(ctx context.Context, key string, r io.Reader) error {
	if err := checkKey(key); err != nil {
		return err
	}
	data, err := io.ReadAll(contextReader{ctx, r})
	if err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if had, ok := m.objects[key]; ok {
		if !bytes.Equal(had, data) {
			return &fs.PathError{Op: "put", Path: key, Err: ErrConflict}
		}
		return nil
	}
	if m.objects == nil {
		m.objects = map[string][]byte{}
	}
	m.objects[key] = data
	return nil
}

// Get is [Store.Get].
func (m *MemStore) Get(_ context.Context, key string) (io.ReadCloser, error) {
	data, err := m.object("get", key)
	if err != nil {
		return nil, err
	}
	return io.NopCloser(bytes.NewReader(data)), nil
}

// Stat is [Store.Stat].
func (m *MemStore) Stat(_ context.Context, key string) (Object, error) {
	data, err := m.object("stat", key)
	if err != nil {
		return Object{}, err
	}
	return Object{Key: key, Size: int64(len(data))}, nil
}

func (m *MemStore) object(op, key string) ([]byte, error) {
	if err := checkKey(key); err != nil {
		return nil, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	data, ok := m.objects[key]
	if !ok {
		return nil, &fs.PathError{Op: op, Path: key, Err: fs.ErrNotExist}
	}
	return data, nil
}

// List is [Store.List].
func (m *MemStore) List(_ context.Context, prefix string) ([]Object, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var all []Object
	for key, data := range m.objects {
		if strings.HasPrefix(key, prefix) {
			all = append(all, Object{Key: key, Size: int64(len(data))})
		}
	}
	slices.SortFunc(all, byKey)
	return all, nil
}

func byKey(a, b Object) int { return strings.Compare(a.Key, b.Key) }

var _ Store = (*MemStore)(nil)
