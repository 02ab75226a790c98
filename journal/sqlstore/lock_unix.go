//go:build unix && !aix && !solaris

package sqlstore

import (
	"context"
	"errors"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// A fileLock is held by every process that has a journal open for writing. It ends with the process, however that ends. A file of its own
// serves for it, as closing SQLite's file would end SQLite's locks.
type fileLock struct {
	file  *os.File
	alone bool // nobody else has it, and nobody else gets it before share
}

func lockFile(ctx context.Context, path string) (*fileLock, error) {
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	l := &fileLock{file: file}
	err = flock(file, unix.LOCK_EX)
	if l.alone = err == nil; l.alone {
		return l, nil
	}
	for errors.Is(err, unix.EWOULDBLOCK) { // another one has it alone, for as long as it starts
		if err = flock(file, unix.LOCK_SH); err == nil {
			return l, nil
		}
		select {
		case <-time.After(5 * time.Millisecond):
		case <-ctx.Done():
			file.Close()
			return nil, ctx.Err()
		}
	}
	file.Close()
	return nil, err
}

// share lets others in. A process that was alone does first what only one that is alone may do.
func (l *fileLock) share(ctx context.Context, first func() error) error {
	if !l.alone {
		return nil
	}
	if err := first(); err != nil {
		return err
	}
	l.alone = false
	// In between another process may get it alone, before this one has written anything.
	for {
		err := flock(l.file, unix.LOCK_SH)
		if !errors.Is(err, unix.EWOULDBLOCK) {
			return err
		}
		select {
		case <-time.After(5 * time.Millisecond):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func (l *fileLock) close() error {
	if l == nil {
		return nil
	}
	return l.file.Close()
}

func flock(file *os.File, how int) error {
	for {
		if err := unix.Flock(int(file.Fd()), how|unix.LOCK_NB); !errors.Is(err, unix.EINTR) {
			return err
		}
	}
}
