package dev.postern.benchmarks.compare;

/** Row 1: a GET through one route with the default pipeline and metrics on, beside everybody. */
final class PlainRow implements Row {
    /** How much more than nginx the floor may cost before a run says nothing. */
    private static final double VALID = 1.35;

    @Override
    public void run(Bench bench) throws InterruptedException {
        bench.lineup()
                .raw()
                .postern()
                .java("raw-io_uring", RawVertxPeer.class, "transport=io_uring")
                .java("postern-io_uring", PosternPeer.class, "transport=io_uring")
                .java("vertx-http-proxy", HttpProxyPeer.class)
                .nginx()
                .haproxy()
                .spring();
        Rounds seen = bench.measure(Requests.GET);
        seen.names().forEach(name -> bench.chart(name, seen.cpu(name)));
        bench.ratio("the floor beside nginx: is the run valid?", seen, "raw", "nginx", VALID);
        bench.ratio("GET", seen, "postern", "raw", 1.18, 1.08);
        bench.ratio("GET", seen, "postern", "nginx", 1.48);
        bench.ratio("GET, io_uring", seen, "postern-io_uring", "raw-io_uring", 1.18, 1.08);
        bench.ratio("GET, io_uring", seen, "postern-io_uring", "nginx", 1.15, 1.00);
        bench.ratio("GET", seen, "postern", "spring-cloud-gateway", 0.30, 0.25);
    }
}
