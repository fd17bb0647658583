/** Runs a gateway on Vert.x. */
@org.jspecify.annotations.NullMarked
module dev.postern.runtime {
    requires transitive dev.postern.api;
    requires re2j;
    requires static org.jspecify;
}
