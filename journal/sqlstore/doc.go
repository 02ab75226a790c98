// Package sqlstore keeps the journal in a SQLite file or in a PostgreSQL database.
//
// # Writing
//
// Forcing a commit to the disk costs far more than the statements in it, so callers share commits. A [Store] has one
// goroutine that writes what happens to single entries: Begin, Finish, Answered. It takes whatever calls are waiting, up to 256, writes them
// in one transaction, and answers them once that is committed; meanwhile the next ones gather. Nobody waits for company: a lone call is
// written at once. A call that the database refuses is refused alone, unless it is the commit that fails. When 4096 calls
// are waiting, more get [journal.ErrBusy].
//
// A call waits for its turn for 5 s at most; when its context ends before, nothing is written. Once its turn has come it waits for the
// result, which is there within another 5 s.
//
// # SQLite
//
// The file is in WAL mode with synchronous=FULL: a commit is on the disk before it is reported, and readers and the
// writer do not wait for each other (https://www.sqlite.org/wal.html). WAL needs a local disk, and two more files
// beside the first, PATH-wal and PATH-shm, which belong to it: they must not be deleted or left behind in a copy. A
// third, PATH-lock, is empty; every process that has the journal open holds a lock on it, so one that starts alone knows at once that those before it are dead.
//
// # PostgreSQL
//
// The statements of a batch go to the server in one message and are one transaction of isolation level READ COMMITTED. It begins with a lock
// that all processes take when they begin entries, and that lasts until the commit: so numbers become visible in their order, and a key is begun
// once. Nothing is kept in the session, so a proxy that pools transactions may stand between; if it does not know prepared
// statements, add default_query_exec_mode=exec to the address. The address may have any parameter of
// https://pkg.go.dev/github.com/jackc/pgx/v5/pgxpool#ParseConfig.
//
// When the connection is lost nobody knows whether the transaction will be committed, even later. The store then puts up a fence, under the same lock: after that
// no transaction that was sent before begins entries. So what is found there is what was written, and the rest is written again.
package sqlstore
