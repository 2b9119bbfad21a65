// An ingress controller: forwards what reaches ADDRESS by TLS as the cluster's Ingress objects say.
// API_SERVER_URL asks for no token, as with `kubectl proxy`. Usage: ingress API_SERVER_URL ADDRESS
package main

import (
	"log"
	"os"
	"time"

	"github.com/zalando/skipper"
	"github.com/zalando/skipper/proxy"
)

func main() {
	log.Fatal(skipper.Run(skipper.Options{
		Kubernetes:                     true,
		KubernetesURL:                  os.Args[1],
		KubernetesEnableEndpointslices: true,
		KubernetesEnableTLS:            true,
		Address:                        os.Args[2],
		SourcePollTimeout:              500 * time.Millisecond,
		WaitFirstRouteLoad:             true,
		ProxyFlags:                     proxy.PreserveHost,
		AccessLogDisabled:              true,
	}))
}
