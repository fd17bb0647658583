package dev.postern.benchmarks.compare;

import java.io.IOException;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;

/** Row 9: TLS 1.3 over connections that stay. Needs wrk. */
final class TlsRow implements Row {
    private static final Pattern ANSWERS = Pattern.compile("([0-9]+) requests in");

    @Override
    public void run(Bench bench) throws Exception {
        if (!Contestants.isInstalled("wrk")) {
            throw new IOException("wrk is not installed");
        }
        Path folder = bench.folder();
        TestCertificate.write(folder);
        bench.lineup()
                .raw("tls=" + folder)
                .postern("tls=" + folder)
                .nginx(
                        "ssl",
                        "ssl_certificate " + folder + "/cert.pem; ssl_certificate_key " + folder
                                + "/key.pem; ssl_protocols TLSv1.3;");
        Map<Peer, Probe> probes = new LinkedHashMap<>();
        bench.lineup()
                .peers()
                .forEach(peer -> probes.put(peer, Probe.tool(seconds -> command(peer, seconds), ANSWERS)));
        Rounds seen = bench.measure(probes, bench.settings().warm());
        bench.ratio("TLS 1.3, keep-alive", seen, "postern", "raw", 1.18);
        bench.ratio("TLS 1.3, keep-alive: the stretch", seen, "postern", "nginx", 1.1);
    }

    private static List<String> command(Peer peer, long seconds) {
        return List.of(
                "wrk",
                "-t1",
                "-c" + Bench.CONNECTIONS,
                "-d" + seconds + "s",
                "https://127.0.0.1:" + peer.port() + "/api/items/42");
    }
}
