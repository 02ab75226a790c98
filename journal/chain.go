package journal

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"strconv"
	"strings"
	"time"
)

// A Link is a sealed entry and its hash.
type Link struct {
	Seal  int64
	Hash  [sha256.Size]byte
	Entry Entry // empty in a Root and in what ParseLink reads
}

// String is seal and hash, as ParseLink reads them: "812:5f3c…".
func (l Link) String() string {
	return strconv.FormatInt(l.Seal, 10) + ":" + hex.EncodeToString(l.Hash[:])
}

// ParseLink reads what String has written.
func ParseLink(s string) (Link, error) {
	seal, sum, _ := strings.Cut(strings.TrimSpace(s), ":")
	number, err := strconv.ParseInt(seal, 10, 64)
	raw, hexErr := hex.DecodeString(sum)
	if err != nil || number < 0 || hexErr != nil || len(raw) != sha256.Size {
		return Link{}, errors.New("a link is written as its number, a colon and 64 hexadecimal digits")
	}
	return Link{Seal: number, Hash: [sha256.Size]byte(raw)}, nil
}

// Next is the link that seals e after l: SHA-256 over l's hash, the new seal, and every field of e that a closed entry keeps, each with its
// length before it. Deliveries counts on, so it is left out.
func (l Link) Next(e Entry) Link {
	h := sha256.New()
	h.Write(l.Hash[:])
	e.Seal = l.Seal + 1
	for _, n := range []int64{e.Seal, e.Number, micro(e.At), e.Room, int64(e.Code), micro(e.Until), e.Duration.Microseconds(), flag(e.Write), int64(e.Attempts)} {
		binary.Write(h, binary.BigEndian, n)
	}
	for _, s := range []string{
		e.Key, e.RequestID, e.Platform, e.Space, e.Channel, e.Person, e.Name, e.Line, e.Effect, e.Command, e.Target, e.Reason,
		string(e.Outcome), e.Moderator, string(e.Answer), e.Text, string(e.Delivery), e.Owner,
	} {
		field(h, s)
	}
	return Link{Seal: e.Seal, Hash: [sha256.Size]byte(h.Sum(nil)), Entry: e}
}

func field(h hash.Hash, s string) {
	binary.Write(h, binary.BigEndian, int64(len(s)))
	h.Write([]byte(s))
}

func flag(b bool) int64 {
	if b {
		return 1
	}
	return 0
}

func micro(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMicro()
}

// A BrokenError tells where a chain does not hold.
type BrokenError struct {
	Seal   int64 // the first that is wrong or missing
	Number int64 // of the entry found there; 0: none
	Why    string
}

func (e *BrokenError) Error() string {
	if e.Number == 0 {
		return fmt.Sprintf("the chain is broken at seal %d: %s", e.Seal, e.Why)
	}
	return fmt.Sprintf("the chain is broken at seal %d, entry #%d: %s", e.Seal, e.Number, e.Why)
}

// Verify goes through the chain and returns its last link and how many links were looked at. A *BrokenError tells the first change or gap. known, if not
// zero, is a link that was noted earlier: the chain must hold it unchanged, or have been pruned beyond it. The chain may be sealed and pruned meanwhile.
func Verify(ctx context.Context, s interface {
	Root(ctx context.Context) (Link, error)
	Links(ctx context.Context, after int64, limit int) ([]Link, error)
}, known Link) (head Link, looked int64, err error) {
	const page = 500
	last, err := s.Root(ctx)
	if err != nil {
		return Link{}, 0, err
	}
	if err := compare(last, known); err != nil {
		return last, 0, err
	}
	for {
		links, err := s.Links(ctx, last.Seal, page)
		if err != nil {
			return last, looked, err
		}
		if len(links) == 0 || links[0].Seal != last.Seal+1 {
			root, err := s.Root(ctx)
			if err != nil {
				return last, looked, err
			}
			if root.Seal > last.Seal { // pruned meanwhile
				if err := compare(root, known); err != nil {
					return last, looked, err
				}
				last = root
				continue
			}
		}
		for _, l := range links {
			next := last.Next(l.Entry)
			switch {
			case l.Seal != next.Seal:
				return last, looked, &BrokenError{next.Seal, 0, fmt.Sprintf("it is missing, the next one there is %d", l.Seal)}
			case l.Hash != next.Hash:
				return last, looked, &BrokenError{l.Seal, l.Entry.Number, "its hash does not fit: the entry was changed, or one before it"}
			}
			last, looked = Link{Seal: l.Seal, Hash: l.Hash}, looked+1
			if err := compare(last, known); err != nil {
				return last, looked, err
			}
		}
		if len(links) < page {
			break
		}
	}
	if known.Seal > last.Seal {
		return last, looked, &BrokenError{last.Seal + 1, 0, fmt.Sprintf("the chain ends before the link %d that was noted", known.Seal)}
	}
	return last, looked, nil
}

func compare(l, known Link) error {
	if known.Seal != 0 && l.Seal == known.Seal && l.Hash != known.Hash {
		return &BrokenError{l.Seal, 0, "its hash is not the one that was noted: the chain was written anew"}
	}
	return nil
}
