// Judges rules of routers with Traefik's own code: reads lines of verdict, protocol, version of the syntax and rule, with tabs
// between them, and writes them again with the right verdict. `\n` in a rule is the end of a line.
package main

import (
	"bufio"
	"fmt"
	"net/http"
	"os"
	"strings"

	httpmuxer "github.com/traefik/traefik/v3/pkg/muxer/http"
	tcpmuxer "github.com/traefik/traefik/v3/pkg/muxer/tcp"
	"github.com/traefik/traefik/v3/pkg/tcp"
)

func main() {
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		if strings.HasPrefix(lines.Text(), "#") {
			continue
		}
		parts := strings.SplitN(lines.Text(), "\t", 4)
		verdict := "ok"
		if judge(parts[1], parts[2], strings.ReplaceAll(parts[3], `\n`, "\n")) != nil {
			verdict = "bad"
		}
		fmt.Println(strings.Join(append([]string{verdict}, parts[1:]...), "\t"))
	}
}

func judge(protocol, syntax, rule string) (err error) {
	defer func() {
		if panicked := recover(); panicked != nil {
			err = fmt.Errorf("%v", panicked)
		}
	}()
	if protocol == "tcp" {
		muxer, err := tcpmuxer.NewMuxer(nil)
		if err != nil {
			panic(err)
		}
		return muxer.AddRoute(rule, syntax, 0, "", tcp.HandlerFunc(func(tcp.WriteCloser) {}))
	}
	parser, err := httpmuxer.NewSyntaxParser()
	if err != nil {
		panic(err)
	}
	return httpmuxer.NewMuxer(parser, nil).AddRoute(rule, syntax, 0, "", http.NotFoundHandler())
}
