package dev.postern.runtime.observe;

import java.util.Locale;
import java.util.Set;

/**
 * Decides what of a request may be written down. Works by what a thing is (a credential by the name of its field or by its
 * own look, a parameter's value), so that an option that lists too much still leaks nothing.
 */
final class Redaction {
    static final String HIDDEN = "***";

    // Parts of field names that carry or prove identity. A field hidden by mistake costs a look elsewhere; one shown by
    // mistake is a leak.
    private static final String[] SECRET_PARTS = {
        "auth", // Authorization, Proxy-Authorization, Authentication-Info, X-Auth-Token, X-Amzn-Oidc-…'s relatives
        "cookie",
        "token",
        "secret",
        "passw",
        "passphrase",
        "credential",
        "api-key",
        "apikey",
        "api_key",
        "access-key",
        "private",
        "session",
        "signature",
        "assertion",
        "csrf",
        "xsrf",
        "dpop",
        "jwt",
        "oidc",
        "saml",
        "otp",
        "client-cert",
        "client-principal"
    };
    private static final Set<String> LINKS = Set.of(
            "referer", "origin", "x-original-url", "x-original-uri", "x-rewrite-url", "x-forwarded-uri", "destination");
    private static final Set<String> SCHEMES =
            Set.of("basic", "bearer", "digest", "dpop", "negotiate", "ntlm", "hoba", "token", "apikey", "api-key");
    private static final int MAX_NAMES = 32;
    private static final int MAX_NAME = 64;

    private Redaction() {}

    /** Whether a field of this name, in lower case, is never shown. */
    static boolean isSecret(String name) {
        for (String part : SECRET_PARTS) {
            if (name.contains(part)) {
                return true;
            }
        }
        return false;
    }

    /** What may be shown of a field's value; {@code name} in lower case. */
    static String header(String name, String value) {
        if (isSecret(name) || looksLikeCredentials(value)) {
            return HIDDEN;
        }
        return LINKS.contains(name) ? link(value) : value;
    }

    /** The path with the values of path parameters hidden: {@code /a;jsessionid=***}. */
    static String path(String path) {
        int semicolon = path.indexOf(';');
        if (semicolon < 0) {
            return path;
        }
        StringBuilder shown = new StringBuilder(path.length());
        int at = 0;
        while (semicolon >= 0) {
            int end = firstOf(path, semicolon + 1, ";/");
            int equals = path.indexOf('=', semicolon);
            // Without a name the whole parameter may be the secret.
            boolean named = equals > 0 && equals < end;
            shown.append(path, at, named ? equals + 1 : semicolon + 1);
            if (end > semicolon + 1) {
                shown.append(HIDDEN);
            }
            at = end;
            semicolon = path.indexOf(';', end);
        }
        return shown.append(path, at, path.length()).toString();
    }

    /** The names in a query: {@code page&sort&*}; a star stands for each parameter without a value, which may be a secret. */
    static String queryNames(String query) {
        StringBuilder names = new StringBuilder();
        String[] parameters = query.split("&", MAX_NAMES + 1);
        for (int i = 0; i < parameters.length && i < MAX_NAMES; i++) {
            String parameter = parameters[i];
            int equals = parameter.indexOf('=');
            // "x==" is more likely the end of something in Base64 than a parameter x with the value "=".
            boolean named = equals > 0 && equals + 1 < parameter.length() && parameter.charAt(equals + 1) != '=';
            names.append(i > 0 ? "&" : "").append(named ? parameter.substring(0, Math.min(equals, MAX_NAME)) : "*");
        }
        return names.append(parameters.length > MAX_NAMES ? "&…" : "").toString();
    }

    /** A scheme of RFC 9110 11.1 in front, or how any JSON Web Token begins: a brace and a quote in Base64. */
    private static boolean looksLikeCredentials(String value) {
        int blank = value.indexOf(' ');
        return value.contains("eyJ")
                || (blank > 0
                        && blank <= 10
                        && SCHEMES.contains(value.substring(0, blank).toLowerCase(Locale.ROOT)));
    }

    /** A URL without user, query and fragment. */
    private static String link(String url) {
        String shown = url.substring(0, firstOf(url, 0, "?#"));
        int authority = shown.indexOf("//");
        if (authority >= 0) {
            int start = authority + 2;
            int at = shown.substring(0, firstOf(shown, start, "/")).lastIndexOf('@');
            shown = at < start ? shown : shown.substring(0, start) + shown.substring(at + 1);
        }
        return path(shown);
    }

    /** The index of the first of these characters, or the length. */
    private static int firstOf(String text, int start, String ends) {
        int at = start;
        while (at < text.length() && ends.indexOf(text.charAt(at)) < 0) {
            at++;
        }
        return at;
    }
}
