package dev.postern.guide;

import static org.assertj.core.api.Assertions.assertThat;

import dev.postern.testing.BodyContract;
import dev.postern.testing.FakeBody;
import dev.postern.testing.FakeChain;
import dev.postern.testing.FakeExchange;
import dev.postern.testing.FakeServices;
import dev.postern.testing.FilterContract;
import dev.postern.testing.ManualTime;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What stands as code on the pages of docs/concepts about filters and bodies is compiled and run by the tests beside this. */
class GuidePagesTest {
    private static final Path PAGES = Path.of("../docs/concepts");
    private static final Pattern CODE = Pattern.compile("```java\n(.*?)```", Pattern.DOTALL);

    @ParameterizedTest
    @CsvSource({"filters.md, FilterGuideTest.java, 10", "bodies.md, BodyGuideTest.java, 5"})
    void code_on_a_page_is_compiled(String page, String test, int expected) throws IOException {
        String compiled = squeezed(
                Files.readString(Path.of("src/test/java/dev/postern/guide").resolve(test)));
        Matcher code = CODE.matcher(Files.readString(PAGES.resolve(page)));
        int blocks = 0;
        while (code.find()) {
            assertThat(compiled).as("%s, block %d", page, ++blocks).contains(squeezed(code.group(1)));
        }
        assertThat(blocks).isEqualTo(expected);
    }

    @Test
    void every_stand_in_is_on_the_page_about_filters_or_bodies() throws IOException {
        String pages = Files.readString(PAGES.resolve("filters.md")) + Files.readString(PAGES.resolve("bodies.md"));

        assertThat(List.of(
                        FakeChain.class,
                        FakeExchange.class,
                        FakeBody.class,
                        FakeServices.class,
                        ManualTime.class,
                        FilterContract.class,
                        BodyContract.class))
                .allSatisfy(type -> assertThat(pages).contains('`' + type.getSimpleName()));
    }

    private static String squeezed(String code) {
        return code.replaceAll("\\s+", "");
    }
}
