package sqlstore

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"slices"
	"syscall"

	"github.com/jackc/pgx/v5/pgconn"
)

// A connectionError tells what is wrong with the connection to the server without telling where that is.
type connectionError struct {
	text string
	err  error
}

func (e *connectionError) Error() string { return e.text }
func (e *connectionError) Unwrap() error { return e.err }

// plain is err without addresses, names and passwords.
func plain(err error) error {
	if _, done := errors.AsType[*connectionError](err); done || !broken(err) {
		return err
	}
	connecting, isConnect := errors.AsType[*pgconn.ConnectError](err)
	text := "the connection to the database was lost"
	if isConnect {
		text = "the database cannot be reached"
		err = connecting
	}
	return &connectionError{text + because(err), err}
}

// broken reports whether err is one of the connection, or the server has ended it.
func broken(err error) bool {
	_, isConnect := errors.AsType[*pgconn.ConnectError](err)
	_, isNetwork := errors.AsType[net.Error](err)
	refusal, isRefusal := errors.AsType[*pgconn.PgError](err)
	return isConnect || isNetwork || pgconn.SafeToRetry(err) || isRefusal && refusal.SeverityUnlocalized != "ERROR" ||
		errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, net.ErrClosed)
}

// because is the reason behind err, as far as we can tell it without an address.
func because(err error) string {
	if e, ok := errors.AsType[*pgconn.PgError](err); ok {
		switch e.Code {
		case "28P01", "28000":
			return ": it refuses the user or the password"
		case "3D000":
			return ": it has no database of that name"
		case "53300":
			return ": it has too many connections"
		case "57P03":
			return ": it is starting or stopping"
		}
		return ": it answered with the code " + e.Code
	}
	if errors.Is(err, context.Canceled) {
		return ": " + context.Canceled.Error()
	}
	if errno, ok := errors.AsType[syscall.Errno](err); ok {
		return ": " + errno.Error()
	}
	if _, ok := errors.AsType[*net.DNSError](err); ok {
		return ": its host is not found"
	}
	if timeout, ok := errors.AsType[net.Error](err); ok && timeout.Timeout() || errors.Is(err, context.DeadlineExceeded) {
		return ": it does not answer in time"
	}
	if isTLS(err) {
		return ": no trusted TLS connection; see sslmode and sslrootcert in the address"
	}
	return ""
}

func isTLS(err error) bool {
	_, authority := errors.AsType[x509.UnknownAuthorityError](err)
	_, host := errors.AsType[x509.HostnameError](err)
	_, invalid := errors.AsType[x509.CertificateInvalidError](err)
	_, certificate := errors.AsType[*tls.CertificateVerificationError](err)
	_, record := errors.AsType[tls.RecordHeaderError](err)
	return authority || host || invalid || certificate || record
}

// lost reports whether err leaves it open what has become of a transaction: it is no plain refusal of the server.
func lost(err error) bool {
	e, ok := errors.AsType[*pgconn.PgError](err)
	return err != nil && (!ok || e.SeverityUnlocalized != "ERROR")
}

// ofClass reports whether the server has refused with a code of one of these classes
// (https://www.postgresql.org/docs/current/errcodes-appendix.html).
func ofClass(err error, classes ...string) bool {
	e, ok := errors.AsType[*pgconn.PgError](err)
	return ok && len(e.Code) == 5 && slices.Contains(classes, e.Code[:2])
}
