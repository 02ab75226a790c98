//go:build !unix || aix || solaris

package sqlstore

import "context"

// A fileLock tells nothing here: a process that starts finds its predecessors dead when they have been silent for long enough.
type fileLock struct{ alone bool }

func lockFile(context.Context, string) (*fileLock, error) { return &fileLock{alone: true}, nil }

func (l *fileLock) share(context.Context, func() error) error { return nil }

func (l *fileLock) close() error { return nil }
