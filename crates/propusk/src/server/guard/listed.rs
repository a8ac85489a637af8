//! What stands in lists, and the lists.

use rmcp::model::{
    CacheScope, Cursor, ListPromptsResult, ListResourceTemplatesResult, ListResourcesResult,
    ListSkillsResult, ListToolsResult, MetaObject, Prompt, Resource, ResourceTemplate, Skill, Tool,
};

use serde_json::Value;

use super::super::scopes::{meaning, written_in};
use crate::{Operation, Requirement, Target, TargetKind};

/// A definition in a list.
pub(super) trait Listed {
    const KIND: TargetKind;
    const IS_TEMPLATE: bool = false;
    /// The method that uses it.
    const METHOD: &'static str;

    /// The name or URI that a caller uses it by.
    fn key(&self) -> &str;
    fn meta(&self) -> Option<&MetaObject>;
    fn meta_mut(&mut self) -> &mut Option<MetaObject>;

    /// What it declares, as it is written.
    fn written(&self) -> Option<&Value> {
        written_in(self.meta())
    }

    fn declared(&self) -> Option<Requirement> {
        self.written().map(meaning)
    }

    /// Using it.
    fn operation(&self) -> Operation {
        let mut operation = Self::using_one();
        operation.retarget(self.key(), self.declared());
        operation
    }

    /// Using one of its kind, which has yet to be named.
    fn using_one() -> Operation {
        Operation::on(Self::METHOD, [Target::new(Self::KIND, "")])
    }
}

/// One page of a list.
pub(super) trait Page {
    type Item: Listed;

    fn items(&self) -> &[Self::Item];
    fn items_mut(&mut self) -> &mut Vec<Self::Item>;
    fn cursor(&self) -> Option<&Cursor>;
    fn cache_scope_mut(&mut self) -> &mut Option<CacheScope>;
}

macro_rules! listed {
    ($($item:ident by $name:ident: $kind:ident, $method:literal, template $template:literal,
       in $page:ident.$items:ident;)*) => {$(
        impl Listed for $item {
            const KIND: TargetKind = TargetKind::$kind;
            const METHOD: &'static str = $method;
            const IS_TEMPLATE: bool = $template;

            fn key(&self) -> &str {
                &self.$name
            }

            fn meta(&self) -> Option<&MetaObject> {
                self.meta.as_ref()
            }

            fn meta_mut(&mut self) -> &mut Option<MetaObject> {
                &mut self.meta
            }
        }

        impl Page for $page {
            type Item = $item;

            fn items(&self) -> &[$item] {
                &self.$items
            }

            fn items_mut(&mut self) -> &mut Vec<$item> {
                &mut self.$items
            }

            fn cursor(&self) -> Option<&Cursor> {
                self.next_cursor.as_ref()
            }

            fn cache_scope_mut(&mut self) -> &mut Option<CacheScope> {
                &mut self.cache_scope
            }
        }
    )*};
}

listed! {
    Tool by name: Tool, "tools/call", template false, in ListToolsResult.tools;
    Prompt by name: Prompt, "prompts/get", template false, in ListPromptsResult.prompts;
    Resource by uri: Resource, "resources/read", template false, in ListResourcesResult.resources;
    ResourceTemplate by uri_template: Resource, "resources/read", template true,
        in ListResourceTemplatesResult.resource_templates;
    Skill by uri: Resource, "skills/get", template false, in ListSkillsResult.skills;
}
