package dev.postern.benchmarks.compare;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyPair;
import java.security.KeyPairGenerator;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Row 4: a token that has been seen before, and how long a fresh one holds the loop. */
final class TokensRow implements Row {
    private static final Pattern SAID = Pattern.compile("cold ([0-9]+) ([0-9]+)");

    @Override
    public void run(Bench bench) throws IOException, InterruptedException, GeneralSecurityException {
        KeyPairGenerator generator = KeyPairGenerator.getInstance("RSA");
        generator.initialize(2048);
        KeyPair issuer = generator.generateKeyPair();
        Path key = Files.write(
                bench.folder().resolve("issuer.der"), issuer.getPublic().getEncoded());
        bench.lineup().postern().java("postern-jwt", PosternPeer.class, "jwt=" + key);
        Rounds seen = bench.measure(Requests.get(
                "/api/items/42", "Authorization: Bearer " + Tokens.signed(issuer.getPrivate(), "RS256", 0) + "\r\n"));
        double more = seen.isSound("postern") && seen.isSound("postern-jwt")
                ? seen.more("postern-jwt", "postern")
                : Double.NaN;
        bench.add("JWT RS256, token seen before", more, "%+.1f µs (median of the rounds)", Target.atMost(3, 1, "µs"));
        double best = seen.bestCpu("postern-jwt") - seen.bestCpu("postern");
        bench.add("JWT RS256, the best rounds", Bench.format("%+.1f µs", best), "");
        bench.lineup().close();
        Matcher said = SAID.matcher(Children.run(ColdTokens.class));
        if (!said.find()) {
            throw new IOException("the cold tokens printed nothing");
        }
        bench.add(
                "a fresh ES256 token on the event loop",
                Bench.format(
                        "%.0f µs of its processor time, longest turn of 99 in 100: %.0f µs",
                        Long.parseLong(said.group(1)) / 1e3, Long.parseLong(said.group(2)) / 1e3),
                Target.atMost(100, "µs").verdict(Long.parseLong(said.group(2)) / 1e3));
    }
}
