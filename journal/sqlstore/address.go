package sqlstore

import (
	"errors"
	"path/filepath"
	"strings"

	"github.com/jackc/pgx/v5/pgxpool"
)

// An address is where a journal is: one of its fields is set.
type address struct {
	file     string // absolute: connections are opened later too, wherever the process is then
	postgres *pgxpool.Config
}

// CheckAddress is nil when Open could understand the address. Its errors do not show the address, which may hold a password.
func CheckAddress(text string) error {
	_, err := parse(text)
	return err
}

func parse(text string) (address, error) {
	scheme, path, _ := strings.Cut(text, ":")
	switch {
	case scheme == "postgres" || scheme == "postgresql":
		config, err := pgxpool.ParseConfig(text)
		if err != nil { // it quotes the address
			return address{}, errors.New("the journal's address cannot be read; it has the form postgres://user@host:5432/database, " +
				"with special characters in the password written as %40 and the like")
		}
		return address{postgres: config}, nil
	case scheme == "sqlite" && path != "":
		file, err := filepath.Abs(path)
		return address{file: file}, err
	}
	return address{}, errors.New("the journal's address has the form sqlite:PATH, with a relative path (sqlite:roomwarden.db) " +
		"or an absolute one (sqlite:/var/lib/roomwarden/roomwarden.db), or postgres://user@host:5432/database")
}
