package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"roomwarden/journal"
)

// A chain is what journal.Verify looks at.
type chain interface {
	Root(ctx context.Context) (journal.Link, error)
	Links(ctx context.Context, after int64, limit int) ([]journal.Link, error)
}

// errPruned is the answer when there is nothing left to compare a noted link with, and nothing should have been pruned.
var errPruned = errors.New("the link that was noted is gone, pruned with all before it, though HISTORY_KEEP is not set here: entries are missing, or HISTORY_KEEP was set once")

// A chainReport prints what was found.
type chainReport struct {
	w        io.Writer
	json     bool
	compared bool // with a link that was noted earlier
	kept     bool // HISTORY_KEEP is set, so that links are pruned
}

// verifyChain looks at the whole chain and prints how many links hold, its root and its head. The error is a *journal.BrokenError when it does not
// hold, or does not hold known, and errPruned when known is gone and should not.
func verifyChain(ctx context.Context, s chain, known journal.Link, r chainReport) error {
	r.compared = known.Seal != 0
	root, head, looked, err := verifyBesideBot(ctx, s, known)
	_, broken := errors.AsType[*journal.BrokenError](err)
	if err != nil && !broken {
		return err
	}
	gone := err == nil && known.Seal != 0 && root.Seal > known.Seal
	if gone && !r.kept {
		err = errPruned
	}
	return errors.Join(err, r.print(root, head, looked, gone, err))
}

// verifyBesideBot is journal.Verify beside a bot that may be pruning: what it takes away between two looks is not missing.
func verifyBesideBot(ctx context.Context, s chain, known journal.Link) (root, head journal.Link, looked int64, err error) {
	for range 3 {
		if root, err = s.Root(ctx); err != nil {
			return root, head, 0, err
		}
		head, looked, err = journal.Verify(ctx, s, known)
		if _, broken := errors.AsType[*journal.BrokenError](err); !broken {
			return root, head, looked, err
		}
		now, rootErr := s.Root(ctx)
		if rootErr != nil {
			return root, head, looked, rootErr
		}
		if now.Seal == root.Seal {
			break
		}
	}
	return root, head, looked, err
}

func (r chainReport) print(root, head journal.Link, looked int64, gone bool, problem error) error {
	if r.json {
		out := struct {
			OK      bool   `json:"ok"`
			Links   int64  `json:"links"`
			Root    string `json:"root"`
			Head    string `json:"head"`
			Problem string `json:"problem,omitempty"`
		}{problem == nil, looked, root.String(), head.String(), ""}
		if problem != nil {
			out.Problem = problem.Error()
		}
		line, err := json.Marshal(out)
		if err != nil {
			return err
		}
		_, err = fmt.Fprintf(r.w, "%s\n", escaped(string(line)))
		return err
	}
	text := fmt.Sprintf("Links looked at: %d. None of them is changed, and none between them is missing.\n", looked)
	if problem != nil {
		text = fmt.Sprintf("Links that hold: %d.\n", looked)
	}
	text += fmt.Sprintf("root %s (%s)\nhead %s\n", root, pruned(root), head)
	switch {
	case problem != nil: // the error says it; a head of this is not to be noted
	case head.Seal == 0:
		text += "Nothing is sealed yet.\n"
	case gone:
		text += "The link that was given has been pruned, so nothing was compared with it. Note this head in its place.\n"
	default:
		if !r.compared {
			text += "Whether the newest ones were cut off only a head noted earlier can tell (--head).\n"
		}
		text += "Note the head where nobody who can write the database can change it. What it proves later: bot history --verify --head " + head.String() + "\n"
	}
	_, err := io.WriteString(r.w, text)
	return err
}

func pruned(root journal.Link) string {
	if root.Seal == 0 {
		return "nothing was pruned"
	}
	return fmt.Sprintf("what was up to seal %d was pruned", root.Seal)
}
