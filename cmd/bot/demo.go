package main

import (
	"context"
	_ "embed"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/caarlos0/env/v11"
	"golang.org/x/term"

	"roomwarden/adapters/console"
	"roomwarden/commands"
	"roomwarden/journal/sqlstore"
	"roomwarden/netease"
	"roomwarden/netease/sandbox"
	"roomwarden/permissions"
)

// demoPolicy is who may do what in the demo.
//
//go:embed demo.yaml
var demoPolicy []byte

// demo runs the bot on a NetEase in memory, reached over a loopback socket like the real one. All it writes is in a temporary
// folder that is gone afterwards.
func demo(ctx context.Context, args []string, w world) error {
	f := flag.NewFlagSet("demo", flag.ContinueOnError)
	as := f.String("as", "zhangsan", "")
	lang := f.String("lang", env.ToMap(w.Environ)["DEFAULT_LANGUAGE"], "")
	rest, err := words(f, args)
	if err != nil {
		return err
	}
	if err := none(rest); err != nil {
		return err
	}
	l, err := language(*lang)
	if err != nil {
		return err
	}
	policy, err := permissions.Parse(demoPolicy, commands.Vocabulary())
	if err != nil {
		return err
	}
	folder, err := os.MkdirTemp("", "roomwarden-demo-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(folder)
	store, err := sqlstore.Open(ctx, "sqlite:"+filepath.Join(folder, "journal.db"))
	if err != nil {
		return err
	}
	defer store.Close()

	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	server := &http.Server{Handler: demoRooms(), ReadHeaderTimeout: 5 * time.Second}
	go server.Serve(listener)
	defer server.Close()

	log := slog.New(slog.NewTextHandler(w.Err, &slog.HandlerOptions{Level: slog.LevelError}))
	dispatcher := &commands.Dispatcher{
		Policy: func() *permissions.Policy { return policy }, Journal: store, Operator: "guanli", Language: l, Log: log,
		NetEase: &netease.Client{AppKey: demoKey, AppSecret: demoSecret, Bases: []string{"http://" + listener.Addr().String() + "/nimserver"}},
	}
	defer func() {
		stopping, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopTime)
		defer cancel()
		dispatcher.Stop(stopping) // what is not written is gone with the folder
	}()
	who := permissions.Subject{Platform: permissions.Console, User: strings.ToLower(*as), Name: strings.ToLower(*as)}
	terminal := &console.Console{
		Who: who, Language: l, In: w.In, Out: w.Out, Handle: dispatcher.Handle, Answered: dispatcher.Answered, Log: log,
		Complete: func(line string) []string { return commands.Complete(policy, who, line) },
	}
	dispatcher.Deliver = map[permissions.Platform]commands.Deliver{permissions.Console: terminal.Deliver}
	greet(w.Out, l, who.User)
	if isTerminal(w.In) && isTerminal(w.Out) && os.Getenv("TERM") != "dumb" {
		terminal.Color = os.Getenv("NO_COLOR") == ""
		err = terminal.RunTerminal(ctx)
	} else {
		err = terminal.Run(ctx)
	}
	if errors.Is(err, context.Canceled) || errors.Is(err, syscall.EPIPE) { // told to stop, or nobody reads any more
		return nil
	}
	return err
}

// The application of the sandbox.
const demoKey, demoSecret = "demo-key", "demo-secret"

// demoRooms is the NetEase of the demo: rooms 123, 456 and lobby, and people in them.
func demoRooms() *sandbox.Sandbox {
	nim := sandbox.New(demoKey, demoSecret, nil)
	members := []netease.AccID{"lisi", "wangwu"}
	for id, name := range map[netease.RoomID]string{123: "新手村", 456: "Arena", 1600849147: "Lobby"} {
		nim.AddRoom(sandbox.Room{ID: id, Name: name, Creator: "zhangsan", Managers: []netease.AccID{"guanli"}, Common: members})
		nim.AddAccounts("zhaoliu")
		if err := nim.Enter(id, "lisi", "zhaoliu"); err != nil {
			panic(err) // the rooms and accounts above exist
		}
	}
	return nim
}

func greet(w io.Writer, l commands.Language, as string) {
	fmt.Fprintln(w, commands.Text{
		English: "Roomwarden, on a NetEase in memory; you are " + as + ". Try: /mute room=123 target=lisi 300s · /delayclose 123 idle 1h · /muteroom 456 10s · /active · /undo",
		Chinese: "Roomwarden 演示：内存中的网易云信，当前身份 " + as + "。试试：/mute room=123 target=lisi 300s · /delayclose 123 idle 1h · /muteroom 456 10s · /active · /undo",
	}.In(l))
}

func isTerminal(stream any) bool {
	file, ok := stream.(*os.File)
	return ok && term.IsTerminal(int(file.Fd()))
}
