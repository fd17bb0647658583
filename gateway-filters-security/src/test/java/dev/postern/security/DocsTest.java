package dev.postern.security;

import static org.assertj.core.api.Assertions.assertThat;

import dev.postern.Request;
import dev.postern.Response;
import dev.postern.testing.FakeChain;
import dev.postern.testing.FakeExchange;
import java.io.IOException;
import java.lang.reflect.Method;
import java.lang.reflect.Modifier;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;

/** The code on the pages of docs/filters is that of {@link Snippets}, and it does what the pages say. */
class DocsTest {
    private static final Pattern JAVA = Pattern.compile("```java\n(.*?)```", Pattern.DOTALL);

    @Test
    void code_on_the_pages_is_compiled() throws IOException {
        String compiled = squeezed(Files.readString(Path.of("src/test/java/dev/postern/security/Snippets.java")));
        int blocks = 0;
        for (String page : List.of("jwt-auth.md", "api-key-auth.md")) {
            Matcher block =
                    JAVA.matcher(Files.readString(Path.of("../docs/filters").resolve(page)));
            while (block.find()) {
                assertThat(compiled).as(page).contains(squeezed(block.group(1)));
                blocks++;
            }
        }
        assertThat(blocks).isEqualTo(6);
    }

    private static String squeezed(String code) {
        return code.replaceAll("\\s+", "");
    }

    @Test
    void every_reason_and_every_option_is_on_its_page() throws IOException {
        String jwt = Files.readString(Path.of("../docs/filters/jwt-auth.md"));
        for (Rejection reason : Rejection.values()) {
            assertThat(jwt).contains('`' + reason.code() + '`');
        }
        assertThat(options(JwtAuth.Builder.class))
                .allSatisfy(option -> assertThat(jwt).contains(option + '('));
        String keys = Files.readString(Path.of("../docs/filters/api-key-auth.md"));
        assertThat(options(ApiKeyAuth.Builder.class))
                .allSatisfy(option -> assertThat(keys).contains(option + '('));
    }

    private static List<String> options(Class<?> builder) {
        List<String> names = new ArrayList<>();
        for (Method method : builder.getDeclaredMethods()) {
            if (Modifier.isPublic(method.getModifiers()) && method.getReturnType() == builder) {
                names.add(method.getName());
            }
        }
        assertThat(names).isNotEmpty();
        return names;
    }

    @Test
    void the_examples_have_no_problems() {
        assertThat(Snippets.jwtSmallest().problems()).isEmpty();
        assertThat(Snippets.jwtScopes().problems()).isEmpty();
        assertThat(Snippets.jwtSecret(Keys.SECRET).problems()).isEmpty();
        assertThat(Snippets.apiKeySmallest().problems()).isEmpty();
        assertThat(Snippets.apiKeyScopes().problems()).isEmpty();
    }

    @Test
    void the_lookup_example_finds_keys_by_digest() {
        Snippets.KeyTable table =
                new Snippets.KeyTable().with(Sha256.of("pk_0123456789abcdef").hex(), "orders-team");
        ApiKeyAuth filter = Snippets.apiKeyLookup(table);
        FakeChain chain = FakeChain.answering(Response.of(200)).within(new FakeExchange());

        assertThat(chain.run(filter, Request.get("/").withHeader("X-API-Key", "pk_0123456789abcdef"))
                        .status())
                .isEqualTo(200);
        assertThat(chain.run(filter, Request.get("/").withHeader("X-API-Key", "pk_0123456789abcdeg"))
                        .status())
                .isEqualTo(401);
    }
}
