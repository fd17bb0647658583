package dev.postern;

import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Base64;
import java.util.List;
import java.util.Locale;
import java.util.Objects;
import java.util.Set;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;
import org.jspecify.annotations.Nullable;

/**
 * Keeps a client on its endpoint by a cookie that the gateway sets: with the first answer of an endpoint the client is told a
 * value that stands for this endpoint, and requests that bring it go there, past priorities, zones and slow start. When that
 * endpoint may not be used another one is picked, whose answer brings another value.
 *
 * <pre>
 *   no cookie, or none of ours ─▶ otherwise() picks ─▶ answer, Set-Cookie: its value
 *   cookie of B ─▶ B may be used ─▶ answer
 *              └─▶ B may not be used ─▶ otherwise() picks C ─▶ answer, Set-Cookie: value of C     (strict(): 503)
 * </pre>
 *
 * <p>The value is a keyed hash (HMAC-SHA256, 128 bits) of the names of cookie and upstream and the endpoint's address: it tells
 * nothing about the address to who does not have the secret, is the same in all gateways with the same secret, and nothing is
 * remembered for it. It is no credential: whoever collects values can choose among endpoints.
 *
 * <p>Immutable, with value equality: each method gives a changed copy.
 */
public final class StickyCookie implements LoadBalancer, Checked {
    private static final String PURPOSE = "postern sticky cookie";
    private static final int VALUE_BYTES = 16;
    private static final int MIN_SECRET = 16;
    private static final int MAX_NAME = 64;
    private static final int MAX_PATH = 1024;
    /** Browsers keep no cookie for longer (draft-ietf-httpbis-rfc6265bis 5.6.2). */
    private static final Duration MAX_AGE = Duration.ofDays(400);

    /** Which requests that other sites cause carry the cookie. */
    public enum SameSite {
        /** Following a link does, forms and scripts of other sites do not. */
        LAX("Lax"),
        /** None does. */
        STRICT("Strict"),
        /** All do; browsers take that over encrypted connections only, so it needs {@link #alwaysSecure}. */
        NONE("None");

        private final String text;

        SameSite(String text) {
            this.text = text;
        }
    }

    private final String name;
    private final String secret;
    private final LoadBalancer otherwise;
    private final String path;
    private final @Nullable Duration maxAge;
    private final SameSite sameSite;
    private final boolean alwaysSecure;
    private final boolean httpOnly;
    private final boolean strict;

    private StickyCookie(Draft draft) {
        name = draft.name;
        secret = draft.secret;
        otherwise = draft.otherwise;
        path = draft.path;
        maxAge = draft.maxAge;
        sameSite = draft.sameSite;
        alwaysSecure = draft.alwaysSecure;
        httpOnly = draft.httpOnly;
        strict = draft.strict;
    }

    static StickyCookie of(String name, String secret) {
        if (name.isEmpty() || name.length() > MAX_NAME || !name.chars().allMatch(StickyCookie::isToken)) {
            throw new IllegalArgumentException(
                    "cookie name: \"" + name + "\" (expected: a token of 1 to " + MAX_NAME + " characters)");
        }
        if (secret.length() < MIN_SECRET) {
            // Without the value: it may be a part of the real one.
            throw new IllegalArgumentException("secret: " + secret.length() + " characters (expected: " + MIN_SECRET
                    + " or more, drawn by chance, the same in all gateways of a service)");
        }
        return new StickyCookie(new Draft(name, secret));
    }

    /**
     * Who picks for requests without the cookie, and when its endpoint may not be used; the default is {@link
     * LoadBalancer#roundRobin}. Not another sticky cookie.
     */
    public StickyCookie otherwise(LoadBalancer balancer) {
        Objects.requireNonNull(balancer, "balancer");
        if (balancer instanceof StickyCookie) {
            throw new IllegalArgumentException("otherwise: " + balancer + " (expected: a balancer without a cookie)");
        }
        Draft draft = new Draft(this);
        draft.otherwise = balancer;
        return new StickyCookie(draft);
    }

    /** The path whose requests carry the cookie, 1 to 1,024 characters that begin with a slash; the default is {@code /}. */
    public StickyCookie path(String newPath) {
        boolean fits = newPath.startsWith("/")
                && newPath.length() <= MAX_PATH
                && newPath.chars().allMatch(c -> c > ' ' && c < 0x7f && c != ';' && c != ',');
        if (!fits) {
            throw new IllegalArgumentException(
                    "path: \"" + newPath + "\" (expected: begins with /, ASCII without spaces, commas and semicolons)");
        }
        Draft draft = new Draft(this);
        draft.path = newPath;
        return new StickyCookie(draft);
    }

    /**
     * How long the client keeps the cookie from when it was told it, 1 second to 400 days in whole seconds; it is not told
     * again while nothing changes. By default the client keeps it until it ends its session.
     */
    public StickyCookie maxAge(Duration age) {
        if (age.toSeconds() < 1 || age.compareTo(MAX_AGE) > 0) {
            throw new IllegalArgumentException("maxAge: " + age + " (expected: PT1S to " + MAX_AGE + ')');
        }
        Draft draft = new Draft(this);
        draft.maxAge = Duration.ofSeconds(age.toSeconds());
        return new StickyCookie(draft);
    }

    /** Which requests that other sites cause carry the cookie; the default is {@link SameSite#LAX}. */
    public StickyCookie sameSite(SameSite newSameSite) {
        Draft draft = new Draft(this);
        draft.sameSite = Objects.requireNonNull(newSameSite, "newSameSite");
        return new StickyCookie(draft);
    }

    /** Always {@code Secure}; by default it is when the client's connection, to us or to a trusted proxy, is encrypted. */
    public StickyCookie alwaysSecure() {
        Draft draft = new Draft(this);
        draft.alwaysSecure = true;
        return new StickyCookie(draft);
    }

    /** Not {@code HttpOnly}, so that scripts of the page can read it; by default they cannot. */
    public StickyCookie readableByScripts() {
        Draft draft = new Draft(this);
        draft.httpOnly = false;
        return new StickyCookie(draft);
    }

    /**
     * Never elsewhere: while the endpoint of the cookie may not be used, the answer is 503, and retries stay on it. For state
     * that only this endpoint has. Once it is off the list its cookie is none of ours.
     */
    public StickyCookie strict() {
        Draft draft = new Draft(this);
        draft.strict = true;
        return new StickyCookie(draft);
    }

    /** The name of the cookie. */
    public String name() {
        return name;
    }

    /** Who picks without it. */
    public LoadBalancer otherwise() {
        return otherwise;
    }

    /** The path of the cookie. */
    public String path() {
        return path;
    }

    /** Whether its endpoint is the only one, {@link #strict}. */
    public boolean refusesOthers() {
        return strict;
    }

    /**
     * What the cookie says for an endpoint: 22 characters.
     *
     * @param upstream its name
     * @param endpoint scheme, host and port, as {@link UpstreamState} shows them
     */
    public String value(String upstream, String endpoint) {
        return values(upstream, List.of(endpoint)).get(0);
    }

    /** The {@link #value} for each of these endpoints, in their order; cheaper for a long list than one by one. */
    public List<String> values(String upstream, List<String> endpoints) {
        try {
            Mac mac = Mac.getInstance("HmacSHA256");
            mac.init(new SecretKeySpec(secret.getBytes(StandardCharsets.UTF_8), "HmacSHA256"));
            return endpoints.stream()
                    .map(endpoint -> value(mac, upstream, endpoint))
                    .toList();
        } catch (GeneralSecurityException impossible) {
            throw new IllegalStateException("every JVM has HmacSHA256", impossible);
        }
    }

    private String value(Mac mac, String upstream, String endpoint) {
        // None of the parts can hold a line break.
        String text = String.join("\n", PURPOSE, name, upstream, endpoint);
        byte[] hash = mac.doFinal(text.getBytes(StandardCharsets.UTF_8));
        return Base64.getUrlEncoder().withoutPadding().encodeToString(Arrays.copyOf(hash, VALUE_BYTES));
    }

    /** The value of the {@code Set-Cookie} field that tells a client this {@link #value}. */
    public String fieldValue(String value, ClientInfo client) {
        StringBuilder line = new StringBuilder(96)
                .append(name)
                .append('=')
                .append(value)
                .append("; Path=")
                .append(path);
        if (maxAge != null) {
            line.append("; Max-Age=").append(maxAge.toSeconds());
        }
        if (alwaysSecure || client.secure()) {
            line.append("; Secure");
        }
        if (httpOnly) {
            line.append("; HttpOnly");
        }
        return line.append("; SameSite=").append(sameSite.text).toString();
    }

    @Override
    public Picker prepare(Endpoints endpoints) {
        return otherwise.prepare(endpoints);
    }

    @Override
    public @Nullable RequestKey key() {
        return otherwise.key();
    }

    @Override
    public Set<Measure> measures() {
        return otherwise.measures();
    }

    @Override
    public List<String> problems() {
        // Browsers drop such cookies without a word (draft-ietf-httpbis-rfc6265bis 4.1.3 and 5.7).
        String start = name.toLowerCase(Locale.ROOT);
        boolean host = start.startsWith("__host-");
        List<String> problems = new ArrayList<>();
        if (host && !path.equals("/")) {
            problems.add("cookie \"" + name + "\" has the path " + path + ", so no browser keeps it (expected: /, or a"
                    + " name that does not begin with __Host-)");
        }
        if (!alwaysSecure && (host || start.startsWith("__secure-"))) {
            problems.add("cookie \"" + name + "\" is not always Secure, and no browser keeps it when it is not"
                    + " (expected: alwaysSecure(), or a name that does not begin with "
                    + (host ? "__Host-)" : "__Secure-)"));
        }
        if (!alwaysSecure && sameSite == SameSite.NONE) {
            problems.add("cookie \"" + name + "\" is not always Secure, and no browser keeps it with SameSite=None when"
                    + " it is not (expected: alwaysSecure(), or another sameSite)");
        }
        return problems;
    }

    @Override
    public boolean equals(@Nullable Object other) {
        return other instanceof StickyCookie that
                && that.name.equals(name)
                && that.secret.equals(secret)
                && that.otherwise.equals(otherwise)
                && that.path.equals(path)
                && Objects.equals(that.maxAge, maxAge)
                && that.sameSite == sameSite
                && that.alwaysSecure == alwaysSecure
                && that.httpOnly == httpOnly
                && that.strict == strict;
    }

    @Override
    public int hashCode() {
        return Objects.hash(name, otherwise, path);
    }

    /** Without the secret. */
    @Override
    public String toString() {
        return (strict ? "strict cookie " : "sticky cookie ") + name + ", otherwise " + otherwise;
    }

    private static boolean isToken(int c) {
        return c > ' ' && c < 0x7f && "()<>@,;:\\\"/[]?={}".indexOf(c) < 0;
    }

    private static final class Draft {
        private final String name;
        private final String secret;
        private LoadBalancer otherwise = LoadBalancer.roundRobin();
        private String path = "/";
        private @Nullable Duration maxAge;
        private SameSite sameSite = SameSite.LAX;
        private boolean alwaysSecure;
        private boolean httpOnly = true;
        private boolean strict;

        Draft(String name, String secret) {
            this.name = name;
            this.secret = secret;
        }

        Draft(StickyCookie cookie) {
            name = cookie.name;
            secret = cookie.secret;
            otherwise = cookie.otherwise;
            path = cookie.path;
            maxAge = cookie.maxAge;
            sameSite = cookie.sameSite;
            alwaysSecure = cookie.alwaysSecure;
            httpOnly = cookie.httpOnly;
            strict = cookie.strict;
        }
    }
}
