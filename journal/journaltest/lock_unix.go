//go:build unix && !aix && !solaris

package journaltest

import (
	"context"
	"io"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// Lock keeps all processes from writing entries to the journal at an address, which exists, until unlock is called. The process that calls it must not
// have the journal open, nor open it meanwhile.
func Lock(t testing.TB, address string) (unlock func()) {
	t.Helper()
	if path, ok := strings.CutPrefix(address, "sqlite:"); ok {
		return lockSQLite(t, path)
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	conn, err := pgx.Connect(ctx, address)
	require.NoError(t, err)
	for _, statement := range []string{"BEGIN", "LOCK TABLE entries IN EXCLUSIVE MODE"} {
		_, err = conn.Exec(ctx, statement)
		require.NoError(t, err)
	}
	return func() {
		conn.Close(ctx)
		cancel()
	}
}

// walWriteLock is the byte of the file PATH-shm that a writer has locked (https://www.sqlite.org/walformat.html#wal_locks).
const walWriteLock = 120

func lockSQLite(t testing.TB, path string) (unlock func()) {
	t.Helper()
	shm, err := os.OpenFile(path+"-shm", os.O_RDWR, 0)
	require.NoError(t, err)
	lock := unix.Flock_t{Type: unix.F_WRLCK, Whence: io.SeekStart, Start: walWriteLock, Len: 1}
	require.Eventually(t, func() bool { return unix.FcntlFlock(shm.Fd(), unix.F_SETLK, &lock) == nil }, 10*time.Second, time.Millisecond)
	return func() { shm.Close() } // which ends the lock
}
