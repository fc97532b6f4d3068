"""stub"""

import streamlit as st


def chips():
    st.button("Filter", key="rules.add", icon=":material/add:", type="tertiary")
    return None


def sentence(rule): ...
def nothing_matches(rule, search, *, at):
    st.write("none")
